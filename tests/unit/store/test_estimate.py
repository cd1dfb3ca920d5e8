"""The estimated cost of a run. It is estimated once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.estimate import estimate
from services.store.logic import decide, outcome, result
from services.store.settings import StoreSettings
from shared.config import Misconfigured
from shared.contracts.cost import Cost, Rates
from shared.contracts.images import Origin
from shared.contracts.record import Record
from tests.contract.samples import ANALYZED, AT, RESIZED, SOURCE, STEP_FAILED
from tests.unit.shared.test_config import COMPLETE

RATES = Rates(
    detections={"labels": 0.001, "faces": 0.002, "text": 0.004, "moderation": 0.008},
    run=0.0001,
    gigabyte=0.023,
)
DEARER = Rates(detections=dict.fromkeys(RATES.detections, 1.0), run=1.0, gigabyte=1.0)
LABELS_ONLY = ANALYZED.model_copy(
    update={"thresholds": dict.fromkeys(("labels", "max_labels"), 10.0), "models": {}}
)
STORED_BYTES = RESIZED.source.bytes + sum(r.bytes for r in (*RESIZED.renditions, RESIZED.analysis))
STORAGE = STORED_BYTES / 1e9 * 0.023


def recorded(*events: object, rates: Rates | None = RATES) -> Record:
    record: Record | None = None
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n), rates=rates)
    assert record
    return record


def test_a_run_costs_its_detections_its_work_and_a_month_of_storage() -> None:
    cost = estimate(RESIZED, LABELS_ONLY, RATES)
    assert cost is not None
    assert cost.detections == 0.001
    assert cost.usd == pytest.approx(0.001 + 0.0001 + STORAGE, abs=1e-9)


@given(st.sets(st.sampled_from(sorted(RATES.detections))))
def test_each_detection_has_its_price(detections: set[str]) -> None:
    analyzed = LABELS_ONLY.model_copy(update={"thresholds": dict.fromkeys(detections, 70.0)})
    cost = estimate(RESIZED, analyzed, RATES)
    assert cost is not None
    assert cost.detections == pytest.approx(sum(RATES.detections[name] for name in detections))


def test_a_detection_without_a_threshold_counts_by_its_model() -> None:
    analyzed = LABELS_ONLY.model_copy(update={"thresholds": {}, "models": {"text": "3.0"}})
    cost = estimate(RESIZED, analyzed, RATES)
    assert cost is not None
    assert cost.detections == 0.004


def test_reused_answers_cost_nothing_again() -> None:
    reused = LABELS_ONLY.model_copy(update={"reused_from": Origin()})
    cost = estimate(RESIZED, reused, RATES)
    assert cost is not None
    assert cost.detections == 0
    assert cost.usd == pytest.approx(0.0001 + STORAGE, abs=1e-9)


def test_without_a_price_for_a_detection_there_is_no_estimate() -> None:
    analyzed = LABELS_ONLY.model_copy(update={"thresholds": {"celebrities": 70.0}})
    assert estimate(RESIZED, analyzed, RATES) is None


def test_the_outcome_and_the_result_contain_the_estimate() -> None:
    record = recorded(RESIZED, LABELS_ONLY)
    expected = estimate(RESIZED, LABELS_ONLY, RATES)
    completed, document = outcome(record, 0), result(record)
    assert completed is not None
    assert document is not None
    assert (completed.cost, document.cost) == (expected, expected)


@pytest.mark.parametrize("events", [(RESIZED, LABELS_ONLY), (LABELS_ONLY, RESIZED)])
def test_the_order_of_the_facts_changes_nothing(events: tuple[object, ...]) -> None:
    assert recorded(*events).runs[0].cost == estimate(RESIZED, LABELS_ONLY, RATES)


def test_a_duplicate_after_a_price_change_keeps_the_estimate() -> None:
    before = recorded(RESIZED, LABELS_ONLY)
    again = decide(before, LABELS_ONLY, AT + timedelta(days=1), rates=DEARER)
    assert again is before


def test_an_open_or_failed_run_has_no_estimate() -> None:
    failure = STEP_FAILED.model_copy(update={"image": RESIZED.image, "source": SOURCE})
    assert recorded(RESIZED).runs[0].cost is None
    assert recorded(RESIZED, failure).runs[0].cost is None


def test_without_rates_a_run_completes_without_an_estimate() -> None:
    assert recorded(RESIZED, LABELS_ONLY, rates=None).runs[0].cost is None


def test_the_rates_come_from_the_environment() -> None:
    here = COMPLETE | {"PROCESSED_BUCKET": "here"}
    assert StoreSettings.read(here | {"RATES": RATES.model_dump_json()}).rates == RATES
    assert StoreSettings.read(here | {"RATES": ""}).rates is None
    assert StoreSettings.read(here).rates is None


def test_invalid_rates_are_named_at_start() -> None:
    here = COMPLETE | {"PROCESSED_BUCKET": "here", "RATES": '{"run": "cheap"}'}
    with pytest.raises(Misconfigured, match=r"^RATES: "):
        StoreSettings.read(here)


def test_an_estimate_survives_json() -> None:
    record = recorded(RESIZED, LABELS_ONLY)
    assert Record.model_validate_json(record.model_dump_json()) == record
    assert isinstance(record.runs[0].cost, Cost)
