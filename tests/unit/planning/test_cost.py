"""Bills: prices, tiers, free tiers, and their shares by service."""

import json
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import prices
from infra.config.definitions import definitions
from infra.config.prices import Prices, Tier, tiered
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from infra.planning.cost import Kind, Location, bill
from infra.planning.fixed_costs import fixed_costs
from infra.planning.quotas import Quotas
from infra.planning.rates import rates
from infra.planning.work import ANALYZE, FOLDER, Work
from services.analyze.logic import Detection
from services.store.estimate import estimate
from tests.contract.samples import ANALYZED, RESIZED

PRICES = Prices.load()
PROD = Stage.load("prod")
WORK = Work.load(PROD, definitions())
LOCATION = Location("arm64")
TIERS = (Tier(1.0, 10), Tier(0.5, 10), Tier(0.1))


def billed(images, work=WORK, location=LOCATION):
    return bill(images, work, PRICES, location)


@pytest.mark.parametrize(
    ("units", "usd"), [(0, 0), (4, 4), (10, 10), (12, 11), (20, 15), (120, 25)]
)
def test_a_unit_costs_the_price_of_its_tier(units, usd):
    assert tiered(units, TIERS) == pytest.approx(usd)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_more_units_never_cost_less_nor_more_than_the_first_tier(some, more):
    assert tiered(some, TIERS) <= tiered(some + more, TIERS) <= some + more


def test_each_detection_is_paid_separately():
    assert billed(10_000).of(Kind.DETECTIONS) == pytest.approx(4 * 10_000 * 0.001)


def test_detections_share_the_tiers_of_their_group():
    ten_million = 1_000_000 * 0.001 + 4_000_000 * 0.0008 + 5_000_000 * 0.0006
    assert billed(2_500_000).of(Kind.DETECTIONS) == pytest.approx(ten_million)


def test_reused_detections_are_not_paid():
    half = billed(10_000, replace(WORK, reuse=0.5))
    assert half.of(Kind.DETECTIONS) == pytest.approx(billed(10_000).of(Kind.DETECTIONS) / 2)
    assert half.usd < billed(10_000).usd
    assert billed(10_000, replace(WORK, reuse=1.0)).of(Kind.DETECTIONS) == 0


@given(st.integers(1, 10**8), st.floats(0, 1))
def test_a_bill_is_the_sum_of_its_lines_by_kind_and_by_service(images, reuse):
    result = billed(images, replace(WORK, reuse=reuse))
    assert sum(map(result.of, Kind)) == pytest.approx(result.usd)
    assert sum(map(result.by, result.services)) == pytest.approx(result.usd)
    assert all(usd >= 0 for usd in result.lines.values())


def test_the_free_tier_counts_only_if_requested():
    free = billed(250, location=replace(LOCATION, free_tier=True))
    assert free.of(Kind.DETECTIONS) == 0
    assert free.of(Kind.LAMBDA) == free.of(Kind.SQS) == free.of(Kind.SNS) == 0
    assert free.of(Kind.REQUESTS) == billed(250).of(Kind.REQUESTS) > 0


def test_point_in_time_recovery_and_x86_64_cost_more():
    plain = billed(10_000)
    assert billed(10_000, location=replace(LOCATION, recovery=True)).usd > plain.usd
    assert billed(10_000, location=Location("x86_64")).of(Kind.LAMBDA) > plain.of(Kind.LAMBDA)


def test_a_function_is_billed_for_its_own_architecture():
    bills = {
        location: billed(10_000, location=Location(location)) for location in ("arm64", "x86_64")
    }
    lines = {
        location: of_location.lines["resize", Kind.LAMBDA]
        for location, of_location in bills.items()
    }
    assert WORK.functions["resize"].architecture == "x86_64"
    assert lines["arm64"] == pytest.approx(lines["x86_64"])
    analyze = {
        location: of_location.lines["analyze", Kind.LAMBDA]
        for location, of_location in bills.items()
    }
    assert analyze["arm64"] < analyze["x86_64"]


def test_both_architectures_share_the_free_tier():
    """400,000 GB-s a month are free for both architectures together."""
    million, free = 1_000_000, replace(LOCATION, free_tier=True)
    saved = billed(million).of(Kind.LAMBDA) - billed(million, location=free).of(Kind.LAMBDA)
    seconds = PRICES.functions.gigabyte_second
    gigabyte_seconds = PRICES.free.lambda_gigabyte_seconds
    requests = PRICES.free.lambda_requests * PRICES.functions.request
    assert (
        gigabyte_seconds * seconds["arm64"]
        < saved - requests
        < gigabyte_seconds * seconds["x86_64"]
    )


def test_a_slower_vcpu_raises_only_the_cost_of_lambda():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=3))
    normal, slower = billed(10_000), billed(10_000, slow)
    assert slower.of(Kind.LAMBDA) > normal.of(Kind.LAMBDA)
    assert slower.usd - normal.usd == pytest.approx(slower.of(Kind.LAMBDA) - normal.of(Kind.LAMBDA))


def test_every_detection_has_a_price_and_a_quota():
    names = {str(detection) for detection in Detection}
    assert names <= PRICES.detections.keys()
    assert names <= Quotas.load().detections.keys()


def test_a_stage_with_fewer_detections_pays_less():
    labels = replace(PROD, service_variables={"analyze": {"DETECT": "labels, text"}})
    result = billed(10_000, Work.load(labels, definitions()))
    assert result.of(Kind.DETECTIONS) == pytest.approx(20)


def test_the_estimate_in_a_record_equals_the_bill_for_one_image():
    stage_rates = rates(PROD)
    source = RESIZED.source.model_copy(update={"bytes": WORK.stored["original"]})
    analysis = RESIZED.analysis.model_copy(update={"bytes": WORK.stored["made"]})
    resized = RESIZED.model_copy(update={"source": source, "renditions": (), "analysis": analysis})
    thresholds = dict.fromkeys(PROD.variables_of("analyze")["DETECT"].split(), 70.0)
    cost = estimate(
        resized, ANALYZED.model_copy(update={"thresholds": thresholds, "models": {}}), stage_rates
    )
    assert cost is not None
    total = bill(1, WORK, PRICES, Location(PROD.architecture, PROD.recovery))
    assert cost.usd == pytest.approx(total.usd, abs=2e-9)
    assert cost.detections == pytest.approx(total.of(Kind.DETECTIONS))


def test_fixed_costs_are_the_polling_of_all_queues_and_all_alarms():
    services = PROD.run(definitions())
    fixed = fixed_costs(stage_template(services, PROD), PRICES)
    queued = sum(service.queued for service in services)
    assert fixed.sources == 2 * queued
    assert fixed.polling == pytest.approx(fixed.sources * 5 * 3 * 60 * 24 * 30 * 4e-7)
    assert fixed.alarming == pytest.approx(fixed.alarms * 0.10)
    assert fixed.alarms > queued


def test_the_error_for_an_unmeasured_hop_names_the_command_to_measure_it(tmp_path):
    for name in ("usage.json", "measured.json"):
        shutil.copy(FOLDER / name, tmp_path / name)
    measured = json.loads((tmp_path / "measured.json").read_text())
    del measured["hops"][ANALYZE]
    (tmp_path / "measured.json").write_text(json.dumps(measured))
    with pytest.raises(InfraError, match=r"analyze/image.resized.v1 .*tests.lab.capacity.measure"):
        Work.load(PROD, definitions(), folder=tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InfraError, match=r"usage\.json"):
        Work.load(PROD, definitions(), folder=tmp_path)


def test_a_detection_in_an_unknown_price_group_is_named(tmp_path):
    text = prices.FILE.read_text().replace('labels = "rekog', 'labels = "wrek')
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(InfraError, match=r"detections\.labels: there is no group"):
        Prices.load(tmp_path / "prices.toml")
