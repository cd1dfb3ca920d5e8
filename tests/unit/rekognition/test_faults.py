"""Fault injection: what clients see, and that a seed repeats the faults."""

import pytest
from botocore.exceptions import ClientError

from infra.rekognition.__main__ import main
from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.faults import FaultPlan, Faults
from infra.rekognition.operations import build_services
from tests.unit.rekognition.conftest import connect, serving


def inject_all(plan, requests=200):
    """The injected errors of a number of requests (None for no error), and their delays."""
    delays = []
    faults = Faults(plan, sleep=delays.append)
    return [inject(faults) for _ in range(requests)], delays


def inject(faults):
    try:
        faults.inject()
    except RekognitionError as error:
        return error.code
    return None


def test_without_a_plan_no_fault_is_injected():
    assert inject_all(FaultPlan()) == ([None] * 200, [])


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_about_the_planned_share_is_throttled(share):
    errors, _ = inject_all(FaultPlan(throttle=share), requests=2000)

    assert errors.count(Code.THROTTLING) == pytest.approx(2000 * share, abs=80)


def test_the_same_seed_repeats_the_faults_and_another_does_not():
    plan = FaultPlan(throttle=0.3, fail=0.3, least_latency=0.1, most_latency=0.2, seed=7)

    assert inject_all(plan) == inject_all(plan)
    assert inject_all(plan) != inject_all(FaultPlan(throttle=0.3, fail=0.3, seed=8))


def test_the_share_of_failures_does_not_change_the_throttled_requests():
    first, _ = inject_all(FaultPlan(throttle=0.2, fail=0.1))
    second, _ = inject_all(FaultPlan(throttle=0.2, fail=0.9))

    throttled = [at for at, code in enumerate(first) if code is Code.THROTTLING]
    assert throttled == [at for at, code in enumerate(second) if code is Code.THROTTLING]


def test_each_request_is_delayed_within_the_range():
    _, delays = inject_all(FaultPlan(least_latency=0.05, most_latency=0.4))

    assert len(delays) == 200
    assert 0.05 <= min(delays) < max(delays) <= 0.4


@pytest.mark.parametrize(
    ("plan", "code", "status"),
    [
        (FaultPlan(throttle=1), "ThrottlingException", 400),
        (FaultPlan(fail=1), "InternalServerError", 500),
    ],
)
def test_boto3_raises_rekognitions_errors(plan, code, status):
    service = build_services({"DetectLabels": lambda parameters: {}}, plan)
    with serving(service) as url, pytest.raises(ClientError) as caught:
        connect(url).detect_labels(Image={"Bytes": b"x"})

    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    "options",
    [
        ["--throttle", "1.5"],
        ["--fail", "often"],
        ["--latency", "400-50"],
        ["--fixtures", "/no/dir"],
    ],
)
def test_an_invalid_option_is_refused_before_the_server_starts(options, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["serve", *options])

    assert options[0] in capsys.readouterr().err
