"""What a run costs by its record's own estimate, and that it is estimated once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.estimate import estimate
from services.store.logic import decide, result, verdict
from services.store.settings import StoreSettings
from shared.config import Misconfigured
from shared.contracts.cost import Cost, Rates
from shared.contracts.images import Origin
from shared.contracts.record import Record
from tests.contract.samples import ANALYZED, AT, GAVE_UP, RESIZED, SOURCE
from tests.unit.shared.test_config import COMPLETE

RATES = Rates(
    detections={"labels": 0.001, "faces": 0.002, "text": 0.004, "moderation": 0.008},
    run=0.0001,
    gigabyte=0.023,
)
DEARER = Rates(detections=dict.fromkeys(RATES.detections, 1.0), run=1.0, gigabyte=1.0)
ASKED = ANALYZED.model_copy(
    update={"thresholds": dict.fromkeys(("labels", "max_labels"), 10.0), "models": {}}
)
KEPT = RESIZED.source.bytes + sum(r.bytes for r in (*RESIZED.renditions, RESIZED.analysis))
STORAGE = KEPT / 1e9 * 0.023


def told(*events: object, rates: Rates | None = RATES) -> Record:
    record: Record | None = None
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n), rates=rates)
    assert record
    return record


def test_a_run_costs_its_detections_its_work_and_a_month_of_what_is_kept() -> None:
    cost = estimate(RESIZED, ASKED, RATES)
    assert cost is not None
    assert cost.detections == 0.001
    assert cost.usd == pytest.approx(0.001 + 0.0001 + STORAGE, abs=1e-9)


@given(st.sets(st.sampled_from(sorted(RATES.detections))))
def test_each_detection_that_was_asked_has_its_price(asked: set[str]) -> None:
    analyzed = ASKED.model_copy(update={"thresholds": dict.fromkeys(asked, 70.0)})
    cost = estimate(RESIZED, analyzed, RATES)
    assert cost is not None
    assert cost.detections == pytest.approx(sum(RATES.detections[name] for name in asked))


def test_a_detection_without_a_threshold_is_known_by_its_model() -> None:
    analyzed = ASKED.model_copy(update={"thresholds": {}, "models": {"text": "3.0"}})
    cost = estimate(RESIZED, analyzed, RATES)
    assert cost is not None
    assert cost.detections == 0.004


def test_reused_answers_cost_nothing_again() -> None:
    reused = ASKED.model_copy(update={"reused_from": Origin()})
    cost = estimate(RESIZED, reused, RATES)
    assert cost is not None
    assert cost.detections == 0
    assert cost.usd == pytest.approx(0.0001 + STORAGE, abs=1e-9)


def test_what_nobody_gave_a_price_for_leaves_no_estimate_rather_than_a_wrong_one() -> None:
    analyzed = ASKED.model_copy(update={"thresholds": {"celebrities": 70.0}})
    assert estimate(RESIZED, analyzed, RATES) is None


def test_the_verdict_and_the_result_carry_the_estimate() -> None:
    record = told(RESIZED, ASKED)
    expected = estimate(RESIZED, ASKED, RATES)
    stored, shown = verdict(record, 0), result(record)
    assert stored is not None
    assert shown is not None
    assert (stored.cost, shown.cost) == (expected, expected)


@pytest.mark.parametrize("events", [(RESIZED, ASKED), (ASKED, RESIZED)])
def test_the_order_of_the_facts_changes_nothing(events: tuple[object, ...]) -> None:
    assert told(*events).runs[0].cost == estimate(RESIZED, ASKED, RATES)


def test_a_duplicate_after_the_prices_rose_is_told_the_same_estimate() -> None:
    before = told(RESIZED, ASKED)
    again = decide(before, ASKED, AT + timedelta(days=1), rates=DEARER)
    assert again is before


def test_a_run_that_is_open_or_failed_has_no_estimate() -> None:
    failure = GAVE_UP.model_copy(update={"image": RESIZED.image, "source": SOURCE})
    assert told(RESIZED).runs[0].cost is None
    assert told(RESIZED, failure).runs[0].cost is None


def test_without_rates_a_run_completes_without_an_estimate() -> None:
    assert told(RESIZED, ASKED, rates=None).runs[0].cost is None


def test_the_rates_come_from_the_environment() -> None:
    here = COMPLETE | {"PROCESSED_BUCKET": "here"}
    assert StoreSettings.read(here | {"RATES": RATES.model_dump_json()}).rates == RATES
    assert StoreSettings.read(here | {"RATES": ""}).rates is None
    assert StoreSettings.read(here).rates is None


def test_rates_that_cannot_be_read_are_named_before_any_message_is_taken() -> None:
    here = COMPLETE | {"PROCESSED_BUCKET": "here", "RATES": '{"run": "cheap"}'}
    with pytest.raises(Misconfigured, match=r"^RATES: "):
        StoreSettings.read(here)


def test_an_estimate_survives_the_record_s_way_to_json_and_back() -> None:
    record = told(RESIZED, ASKED)
    assert Record.model_validate_json(record.model_dump_json()) == record
    assert isinstance(record.runs[0].cost, Cost)
