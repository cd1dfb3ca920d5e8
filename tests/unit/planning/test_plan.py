"""Plans: settings that keep their word, and what is said where there are none."""

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
    found = plan(1_000_000, WORK, QUOTAS)
    assert found.bottleneck.startswith("Rekognition: DetectLabels")
    assert found.flow.seconds == pytest.approx(1_000_000 / 50, rel=0.02)


def test_where_rekognition_has_room_the_tables_bind_that_have_not_grown_yet():
    assert plan(10_000, WORK, QUOTAS).bottleneck.startswith("Rekognition")
    more = plan(10_000, WORK, QUOTAS.raised(detections=100))
    assert more.bottleneck == "DynamoDB: writes of records"


def test_a_hundred_million_wait_longer_than_queues_keep_them():
    found = plan(100_000_000, WORK, QUOTAS)
    assert found.flow.longest > 7 * 24 * HOUR
    said = "\n".join(warnings(found, 24 * HOUR))
    assert "queues retain messages for 7 d" in said
    assert "its SILENCE_HOURS" in said


def test_a_plan_warns_that_reap_would_report_the_backlog():
    found = plan(5_000_000, WORK, QUOTAS)
    assert 24 * HOUR < found.flow.longest < 7 * 24 * HOUR
    assert any("SILENCE_HOURS" in line for line in warnings(found, 24 * HOUR))
    assert not any("SILENCE_HOURS" in line for line in warnings(found, found.flow.longest))


def test_a_stage_may_let_reap_wait_for_longer():
    patient = replace(Stage.load("prod"), service_variables={"reap": {"SILENCE_HOURS": "100"}})
    assert [silence_of(Stage.load("prod")), silence_of(patient)] == [24 * HOUR, 100 * HOUR]


@settings(max_examples=8, deadline=None)
@given(st.integers(50_000, 5_000_000), st.floats(0.5, 48))
def test_a_plan_that_fits_keeps_its_hours_with_its_own_settings(images, hours):
    found = plan(images, WORK, GRANTED, hours)
    again = run(images, WORK, GRANTED, found.settings)
    assert again.seconds == found.flow.seconds
    assert found.fits == (again.seconds <= hours * HOUR)
    assert bool(found.raises) <= (not found.fits)


def test_fewer_hours_ask_for_more_concurrency():
    relaxed, hurried = (plan(1_000_000, WORK, GRANTED, hours) for hours in (20, 2))
    assert relaxed.fits
    assert hurried.fits
    for service, setting in relaxed.settings.items():
        assert setting.concurrency <= hurried.settings[service].concurrency
    assert relaxed.settings["resize"].concurrency < hurried.settings["resize"].concurrency


def test_what_is_too_low_is_named_with_what_it_would_have_to_be():
    found = plan(1_000_000, WORK, QUOTAS, hours=2)
    assert not found.fits
    (low,) = found.raises
    assert low.name.startswith("Rekognition: ")
    assert (low.now, low.needed) == (50, pytest.approx(1_000_000 / 7200))


def test_with_what_it_asked_for_a_plan_fits():
    asked = plan(1_000_000, WORK, QUOTAS.raised(detections=150), hours=2)
    assert [low.name for low in asked.raises] == ["DynamoDB: writes of records"]
    warm = asked.raises[0].needed
    assert plan(1_000_000, WORK, QUOTAS.raised(detections=150, warm_writes=warm), hours=2).fits


def test_the_functions_of_all_services_count_against_the_account():
    small = QUOTAS.raised(detections=250, concurrency=50, warm_writes=40_000)
    found = plan(1_000_000, WORK, small, hours=4)
    assert not found.fits
    assert any("concurrent executions" in low.name for low in found.raises)
    rounded_up = len(found.settings)
    assert sum(setting.concurrency for setting in found.settings.values()) <= 50 + rounded_up


def test_a_service_that_would_need_too_many_batches_is_named():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=100))
    vast = QUOTAS.raised(detections=10_000, concurrency=100_000, warm_writes=100_000)
    found = plan(10_000_000, slow, vast, hours=10)
    assert any("MaximumConcurrency of resize" in low.name for low in found.raises)


def test_analyze_is_never_let_to_ask_more_than_rekognition_takes():
    for rate in (5, 50, 250):
        quotas = GRANTED.raised(detections=rate)
        setting = plan(1_000_000, WORK, quotas).settings["analyze"]
        assert setting.concurrency / setting.seconds <= max(rate, 2 / setting.seconds)


def test_reuse_takes_load_off_rekognition():
    half = replace(WORK, reuse=0.5)
    assert ceiling(half, QUOTAS) == pytest.approx(2 * ceiling(WORK, QUOTAS))


def test_where_all_content_is_known_rekognition_bounds_nothing():
    known = replace(WORK, reuse=1.0)
    assert not any("Rekognition" in limit.cap.name for limit in limits(known, QUOTAS))
    assert plan(10_000, known, QUOTAS).flow.seconds > 0


def test_a_batch_leaves_its_last_record_the_worst_case():
    slow = replace(WORK, assumed=replace(WORK.assumed, cpu_factor=50))
    function = slow.functions["resize"]
    setting = plan(10_000, slow, QUOTAS).settings["resize"]
    one = slow.seconds(slow.hops["resize/image.uploaded.v1"])
    assert 1 <= setting.batch < function.batch
    assert (setting.batch - 1) * one <= function.timeout - function.worst_case


def test_a_stage_that_asks_less_is_bounded_by_what_it_asks():
    asked = WORK.hops[ANALYZE].with_detections(["faces"])
    less = replace(WORK, hops={**WORK.hops, ANALYZE: asked})
    assert "Rekognition: DetectFaces" in {limit.cap.name for limit in limits(less, QUOTAS)}


def test_every_limit_bounds_a_hop_that_there_is():
    for limit in limits(WORK, QUOTAS):
        assert set(limit.hops) <= set(WORK.hops)
        assert limit.each > 0
