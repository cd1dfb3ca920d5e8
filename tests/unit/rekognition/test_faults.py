"""Misbehaving on purpose: what callers see of it, and that a seed repeats it."""

import pytest
from botocore.exceptions import ClientError

from infra.rekognition.__main__ import main
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.faults import Faults, Plan
from infra.rekognition.operations import offering
from tests.unit.rekognition.conftest import connect, serving


def fates(plan, calls=200):
    """What becomes of so many calls in a row, and how long each is held up."""
    waits = []
    faults = Faults(plan, sleep=waits.append)
    return [fate(faults) for _ in range(calls)], waits


def fate(faults):
    try:
        faults.strike()
    except RekognitionError as error:
        return error.code
    return None


def test_without_a_plan_nothing_happens():
    assert fates(Plan()) == ([None] * 200, [])


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_about_the_share_that_is_asked_for_is_throttled(share):
    struck, _ = fates(Plan(throttle=share), calls=2000)

    assert struck.count(Code.THROTTLING) == pytest.approx(2000 * share, abs=80)


def test_the_same_seed_strikes_the_same_calls_and_another_does_not():
    plan = Plan(throttle=0.3, fail=0.3, least_latency=0.1, most_latency=0.2, seed=7)

    assert fates(plan) == fates(plan)
    assert fates(plan) != fates(Plan(throttle=0.3, fail=0.3, seed=8))


def test_more_failures_leave_the_throttled_calls_as_they_are():
    few, _ = fates(Plan(throttle=0.2, fail=0.1))
    many, _ = fates(Plan(throttle=0.2, fail=0.9))

    throttled = [at for at, code in enumerate(few) if code is Code.THROTTLING]
    assert throttled == [at for at, code in enumerate(many) if code is Code.THROTTLING]


def test_each_call_is_held_up_within_the_range():
    _, waits = fates(Plan(least_latency=0.05, most_latency=0.4))

    assert len(waits) == 200
    assert 0.05 <= min(waits) < max(waits) <= 0.4


@pytest.mark.parametrize(
    ("plan", "code", "status"),
    [(Plan(throttle=1), "ThrottlingException", 400), (Plan(fail=1), "InternalServerError", 500)],
)
def test_boto3_raises_what_rekognition_would(plan, code, status):
    service = offering({"DetectLabels": lambda parameters: {}}, plan)
    with serving(service) as url, pytest.raises(ClientError) as caught:
        connect(url).detect_labels(Image={"Bytes": b"x"})

    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    "nonsense",
    [
        ["--throttle", "1.5"],
        ["--fail", "often"],
        ["--latency", "400-50"],
        ["--fixtures", "/no/dir"],
    ],
)
def test_a_plan_that_cannot_be_is_refused_before_anything_starts(nonsense, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["serve", *nonsense])

    assert nonsense[0] in capsys.readouterr().err
