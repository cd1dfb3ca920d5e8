"""Plans: settings that finish in time, and the limits that are too low."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cli.planning_report import silence_of, warnings
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


def test_by_default_rekognition_bounds_a_million_images():
    result = plan(1_000_000, WORK, QUOTAS)
    assert result.bottleneck.startswith("Rekognition: DetectLabels")
    assert result.flow.seconds == pytest.approx(1_000_000 / 50, rel=0.02)


def test_with_a_higher_rekognition_quota_new_tables_are_the_bottleneck():
    assert plan(10_000, WORK, QUOTAS).bottleneck.startswith("Rekognition")
    more = plan(10_000, WORK, QUOTAS.raised(detections=100))
    assert more.bottleneck == "DynamoDB: writes of records"


def test_a_hundred_million_images_wait_longer_than_queues_retain_messages():
    result = plan(100_000_000, WORK, QUOTAS)
    assert result.flow.longest > 7 * 24 * HOUR
    text = "\n".join(warnings(result, 24 * HOUR))
    assert "queues retain messages for 7 d" in text
    assert "its SILENCE_HOURS" in text


def test_a_plan_warns_that_reap_would_report_the_backlog():
    result = plan(5_000_000, WORK, QUOTAS)
    assert 24 * HOUR < result.flow.longest < 7 * 24 * HOUR
    assert any("SILENCE_HOURS" in line for line in warnings(result, 24 * HOUR))
    assert not any("SILENCE_HOURS" in line for line in warnings(result, result.flow.longest))


def test_a_stage_can_set_silence_hours_of_reap():
    patient = replace(Stage.load("prod"), service_variables={"reap": {"SILENCE_HOURS": "100"}})
    assert [silence_of(Stage.load("prod")), silence_of(patient)] == [24 * HOUR, 100 * HOUR]


@pytest.mark.slow
@settings(max_examples=8)
@given(st.integers(50_000, 5_000_000), st.floats(0.5, 48))
def test_the_settings_of_a_plan_reproduce_its_duration(images, hours):
    result = plan(images, WORK, GRANTED, hours)
    again = run(images, WORK, GRANTED, result.settings)
    assert again.seconds == result.flow.seconds
    assert result.fits == (again.seconds <= hours * HOUR)
    assert bool(result.raises) <= (not result.fits)


def test_fewer_hours_need_more_concurrency():
    relaxed, hurried = (plan(1_000_000, WORK, GRANTED, hours) for hours in (20, 2))
    assert relaxed.fits
    assert hurried.fits
    for service, setting in relaxed.settings.items():
        assert setting.concurrency <= hurried.settings[service].concurrency
    assert relaxed.settings["resize"].concurrency < hurried.settings["resize"].concurrency


def test_a_limit_that_is_too_low_is_named_with_the_value_it_needs():
    result = plan(1_000_000, WORK, QUOTAS, hours=2)
    assert not result.fits
    (low,) = result.raises
    assert low.name.startswith("Rekognition: ")
    assert (low.now, low.needed) == (50, pytest.approx(1_000_000 / 7200))


def test_a_plan_fits_with_the_limits_it_asked_for():
    limited = plan(1_000_000, WORK, QUOTAS.raised(detections=150), hours=2)
    assert [low.name for low in limited.raises] == ["DynamoDB: writes of records"]
    warm = limited.raises[0].needed
    assert plan(1_000_000, WORK, QUOTAS.raised(detections=150, warm_writes=warm), hours=2).fits


def test_the_functions_of_all_services_count_against_the_account():
    small = QUOTAS.raised(detections=250, concurrency=50, warm_writes=40_000)
    result = plan(1_000_000, WORK, small, hours=4)
    assert not result.fits
    assert any("concurrent executions" in low.name for low in result.raises)
    rounded_up = len(result.settings)
    assert sum(setting.concurrency for setting in result.settings.values()) <= 50 + rounded_up


def test_a_service_that_needs_more_than_the_maximum_concurrency_is_named():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=100))
    vast = QUOTAS.raised(detections=10_000, concurrency=100_000, warm_writes=100_000)
    result = plan(10_000_000, slow, vast, hours=10)
    assert any("MaximumConcurrency of resize" in low.name for low in result.raises)


def test_analyze_never_exceeds_the_rate_of_rekognition():
    for rate in (5, 50, 250):
        quotas = GRANTED.raised(detections=rate)
        setting = plan(1_000_000, WORK, quotas).settings["analyze"]
        assert setting.concurrency / setting.seconds <= max(rate, 2 / setting.seconds)


def test_reuse_doubles_the_rate_that_rekognition_allows():
    half = replace(WORK, reuse=0.5)
    assert ceiling(half, QUOTAS) == pytest.approx(2 * ceiling(WORK, QUOTAS))


def test_rekognition_is_no_limit_if_all_content_is_known():
    reused = replace(WORK, reuse=1.0)
    assert not any("Rekognition" in limit.cap.name for limit in limits(reused, QUOTAS))
    assert plan(10_000, reused, QUOTAS).flow.seconds > 0


def test_the_last_record_of_a_batch_has_its_worst_case_left():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=50))
    function = slow.functions["resize"]
    setting = plan(10_000, slow, QUOTAS).settings["resize"]
    duration = slow.seconds(slow.hops["resize/image.uploaded.v1"])
    assert 1 <= setting.batch < function.batch
    assert (setting.batch - 1) * duration <= function.timeout - function.worst_case


def test_a_stage_with_one_detection_is_limited_by_that_detection():
    analyze = WORK.hops[ANALYZE].with_detections(["faces"])
    less = replace(WORK, hops={**WORK.hops, ANALYZE: analyze})
    assert "Rekognition: DetectFaces" in {limit.cap.name for limit in limits(less, QUOTAS)}


def test_every_limit_bounds_an_existing_hop():
    for limit in limits(WORK, QUOTAS):
        assert set(limit.hops) <= set(WORK.hops)
        assert limit.each > 0
