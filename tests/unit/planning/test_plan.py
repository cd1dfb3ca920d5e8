"""Plans: settings that meet their time, and warnings if there are none."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cli.planning import silence_of, warnings
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.planning.limits import limits
from infra.planning.plan import ceiling, plan, run
from infra.planning.quotas import Quotas
from infra.planning.work import ANALYZE, Work

QUOTAS = Quotas.load()
GRANTED = QUOTAS.raised(detections=250, concurrency=5_000, warm_writes=40_000)
WORK = Work.load(Stage.load("prod"), definitions())
HOUR = 3600


def test_by_default_rekognition_limits_a_million_images():
    result = plan(1_000_000, WORK, QUOTAS)
    assert result.bottleneck.startswith("Rekognition: DetectLabels")
    assert result.flow.seconds == pytest.approx(1_000_000 / 50, rel=0.02)


def test_with_higher_rekognition_quotas_new_tables_are_the_limit():
    assert plan(10_000, WORK, QUOTAS).bottleneck.startswith("Rekognition")
    more = plan(10_000, WORK, QUOTAS.raised(detections=100))
    assert more.bottleneck == "DynamoDB: writes of records"


def test_a_hundred_million_images_wait_longer_than_the_queues_retention():
    result = plan(100_000_000, WORK, QUOTAS)
    assert result.flow.longest > 7 * 24 * HOUR
    text = "\n".join(warnings(result, 24 * HOUR))
    assert "queues keep them for 7 d" in text
    assert "SILENCE_HOURS of reap" in text


def test_a_backlog_that_reap_would_report_as_stuck_is_warned_of():
    result = plan(5_000_000, WORK, QUOTAS)
    assert 24 * HOUR < result.flow.longest < 7 * 24 * HOUR
    assert any("SILENCE_HOURS" in line for line in warnings(result, 24 * HOUR))
    assert not any("SILENCE_HOURS" in line for line in warnings(result, result.flow.longest))


def test_a_stage_can_set_a_longer_silence_for_reap():
    patient = replace(Stage.load("prod"), service_variables={"reap": {"SILENCE_HOURS": "100"}})
    assert [silence_of(Stage.load("prod")), silence_of(patient)] == [24 * HOUR, 100 * HOUR]


@settings(max_examples=8, deadline=None)
@given(st.integers(50_000, 5_000_000), st.floats(0.5, 48))
def test_a_plan_that_fits_meets_its_hours_with_its_own_settings(images, hours):
    result = plan(images, WORK, GRANTED, hours)
    flow = run(images, WORK, GRANTED, result.settings)
    assert flow.seconds == result.flow.seconds
    assert result.fits == (flow.seconds <= hours * HOUR)
    assert bool(result.raises) <= (not result.fits)


def test_fewer_hours_need_more_concurrency():
    relaxed, hurried = (plan(1_000_000, WORK, GRANTED, hours) for hours in (20, 2))
    assert relaxed.fits
    assert hurried.fits
    for service, setting in relaxed.settings.items():
        assert setting.concurrency <= hurried.settings[service].concurrency
    assert relaxed.settings["resize"].concurrency < hurried.settings["resize"].concurrency


def test_a_quota_that_is_too_low_is_named_with_the_needed_value():
    result = plan(1_000_000, WORK, QUOTAS, hours=2)
    assert not result.fits
    (low,) = result.raises
    assert low.name.startswith("Rekognition: ")
    assert (low.now, low.needed) == (50, pytest.approx(1_000_000 / 7200))


def test_a_plan_fits_with_the_quotas_it_names():
    limited = plan(1_000_000, WORK, QUOTAS.raised(detections=150), hours=2)
    assert [low.name for low in limited.raises] == ["DynamoDB: writes of records"]
    warm = limited.raises[0].needed
    assert plan(1_000_000, WORK, QUOTAS.raised(detections=150, warm_writes=warm), hours=2).fits


def test_all_services_share_the_account_s_concurrency():
    small = QUOTAS.raised(detections=250, concurrency=50, warm_writes=40_000)
    result = plan(1_000_000, WORK, small, hours=4)
    assert not result.fits
    assert any("concurrent executions" in low.name for low in result.raises)
    rounded_up = len(result.settings)
    assert sum(setting.concurrency for setting in result.settings.values()) <= 50 + rounded_up


def test_a_service_that_needs_too_many_batches_is_named():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=100))
    vast = QUOTAS.raised(detections=10_000, concurrency=100_000, warm_writes=100_000)
    result = plan(10_000_000, slow, vast, hours=10)
    assert any("MaximumConcurrency of resize" in low.name for low in result.raises)


def test_the_concurrency_of_analyze_stays_within_rekognition_s_rate():
    for rate in (5, 50, 250):
        quotas = GRANTED.raised(detections=rate)
        setting = plan(1_000_000, WORK, quotas).settings["analyze"]
        assert setting.concurrency / setting.seconds <= max(rate, 2 / setting.seconds)


def test_reuse_lowers_the_load_on_rekognition():
    half = replace(WORK, reuse=0.5)
    assert ceiling(half, QUOTAS) == pytest.approx(2 * ceiling(WORK, QUOTAS))


def test_with_full_reuse_rekognition_is_no_limit():
    reused = replace(WORK, reuse=1.0)
    assert not any("Rekognition" in limit.cap.name for limit in limits(reused, QUOTAS))
    assert plan(10_000, reused, QUOTAS).flow.seconds > 0


def test_a_batch_leaves_time_for_the_worst_case_of_its_last_record():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=50))
    function = slow.functions["resize"]
    setting = plan(10_000, slow, QUOTAS).settings["resize"]
    seconds = slow.seconds(slow.hops["resize/image.uploaded.v1"])
    assert 1 <= setting.batch < function.batch
    assert (setting.batch - 1) * seconds <= function.timeout - function.worst_case


def test_a_stage_is_limited_by_its_own_detections_only():
    faces = WORK.hops[ANALYZE].asking(["faces"])
    less = replace(WORK, hops={**WORK.hops, ANALYZE: faces})
    assert "Rekognition: DetectFaces" in {limit.cap.name for limit in limits(less, QUOTAS)}


def test_every_limit_applies_to_existing_hops():
    for limit in limits(WORK, QUOTAS):
        assert set(limit.hops) <= set(WORK.hops)
        assert limit.each > 0
