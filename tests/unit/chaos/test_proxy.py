"""The proxy against a real server: forwarding, faults and counts."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from shared.aws import aws_errors
from shared.errors import PermanentError, Throttled, TransientError
from tests.lab.chaos.faults import LATE, Fault, Kind
from tests.lab.chaos.proxy import Proxy
from tests.unit.chaos.conftest import Aws

pytestmark = pytest.mark.slow

IMAGE = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11"
PICTURE = {"S3Object": {"Bucket": "pictures", "Name": f"renditions/{IMAGE}/0/analysis.jpeg"}}
NOTIFICATION = {
    "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
    "MessageStructure": "json",
    "Message": json.dumps({"default": json.dumps({"id": "n1"})}),
}
COMPLETED_CLAIM = {
    "TableName": "ledger",
    "Key": {"image": {"S": IMAGE}, "claim": {"S": "notify/image.completed.v1/n1"}},
    "UpdateExpression": "SET completed_at = :now",
}
ANALYSIS = json.dumps({"answers": {"labels": {}}}).encode()
EMBEDDING_REQUEST = json.dumps({"inputImage": b64encode(b"a picture").decode()})
Client = Callable[[str], Any]
CALLS: dict[str, Callable[[Any], Any]] = {
    "s3": lambda s3: s3.put_object(
        Bucket="pictures", Key=f"analyses/{IMAGE}/0/analysis.json", Body=ANALYSIS
    ),
    "sns": lambda sns: sns.publish(**NOTIFICATION),
    "sqs": lambda sqs: sqs.delete_queue(QueueUrl="http://localhost/000000000000/q"),
    "dynamodb": lambda dynamodb: dynamodb.update_item(**COMPLETED_CLAIM),
    "rekognition": lambda rekognition: rekognition.detect_labels(Image=PICTURE),
    "bedrock-runtime": lambda bedrock: bedrock.invoke_model(
        modelId="titan", body=EMBEDDING_REQUEST
    ),
}
every_service = pytest.mark.parametrize("service", CALLS)


def call(client: Client, service: str) -> None:
    """Call this service, and translate its errors as the functions do."""
    with aws_errors(service):
        CALLS[service](client(service))


def always(kind: Kind, status: int = 0) -> Callable[..., Fault]:
    return lambda _call: Fault(kind, status=status)


@every_service
def test_a_call_is_forwarded_with_its_host(client: Client, proxy: Proxy, aws: Aws, service) -> None:
    call(client, service)
    ((_method, _path, host, _body),) = aws.requests
    assert host == proxy.endpoint.removeprefix("http://")


@every_service
def test_throttling_has_the_service_s_own_format(
    client: Client, proxy: Proxy, aws: Aws, service
) -> None:
    proxy.draw = always(Kind.THROTTLE)
    with pytest.raises(Throttled):
        call(client, service)
    assert aws.requests == []


@every_service
@pytest.mark.parametrize("status", [500, 503])
def test_an_error_is_transient(client: Client, proxy: Proxy, service, status) -> None:
    proxy.draw = always(Kind.ERROR, status)
    with pytest.raises(TransientError, match="unavailable"):
        call(client, service)


def test_a_refused_picture_is_a_permanent_error(client: Client, proxy: Proxy) -> None:
    proxy.draw = always(Kind.REFUSE)
    with pytest.raises(PermanentError), aws_errors("it", InvalidImageFormatException=("no", None)):
        CALLS["rekognition"](client("rekognition"))
    with pytest.raises(PermanentError), aws_errors("it", ValidationException=("no", None)):
        CALLS["bedrock-runtime"](client("bedrock-runtime"))


@every_service
@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE, Kind.RESET_AFTER])
def test_a_reset_call_reaches_the_service_only_with_a_late_fault(
    client: Client, proxy: Proxy, aws: Aws, service, kind
) -> None:
    proxy.draw = always(kind)
    with pytest.raises(TransientError, match="unreachable"):
        call(client, service)
    assert bool(aws.requests) is (kind in LATE)


@pytest.mark.parametrize("kind", [Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER])
def test_a_timed_out_call_reaches_the_service_only_with_a_late_fault(
    client: Client, proxy: Proxy, aws: Aws, kind
) -> None:
    proxy.draw = always(kind)
    with pytest.raises(TransientError, match="timeout"):
        call(client, "sns")
    assert bool(aws.requests) is (kind in LATE)


def test_a_slow_call_reaches_the_service(client: Client, proxy: Proxy, aws: Aws) -> None:
    proxy.draw = lambda _call: Fault(Kind.SLOW, seconds=0.01)
    call(client, "sns")
    assert len(aws.requests) == 1


def test_calls_are_forwarded_to_the_port_of_their_service(
    client: Client, proxy: Proxy, aws: Aws
) -> None:
    proxy.services["rekognition"], proxy.emulator = aws.port, 1  # nothing listens on port 1
    call(client, "rekognition")
    assert len(aws.requests) == 1


def test_a_notification_whose_answer_is_lost_is_interrupted(client: Client, proxy: Proxy) -> None:
    proxy.draw = always(Kind.RESET_AFTER)
    with pytest.raises(TransientError):
        call(client, "sns")
    notifications = proxy.recorder.notifications
    assert notifications.counts()["n1"].times == 1
    assert notifications.interruptions() == ["reset after"]


def test_a_notification_whose_completion_fails_is_interrupted(client: Client, proxy: Proxy) -> None:
    call(client, "sns")
    proxy.draw = always(Kind.ERROR, 500)
    with pytest.raises(TransientError):
        call(client, "dynamodb")
    assert proxy.recorder.notifications.interruptions() == ["error"]


def test_a_completed_notification_is_not_interrupted(client: Client, proxy: Proxy) -> None:
    call(client, "sns")
    call(client, "dynamodb")
    assert proxy.recorder.notifications.interruptions() == []


def test_an_embedding_is_paid_by_the_run_that_wrote_its_picture(
    client: Client, proxy: Proxy
) -> None:
    call(client, "bedrock-runtime")
    assert proxy.recorder.paid_calls.counts() == {}
    key = f"renditions/{IMAGE}/0/analysis.jpeg"
    client("s3").put_object(Bucket="pictures", Key=key, Body=b"a picture")
    call(client, "bedrock-runtime")
    assert proxy.recorder.paid_calls.counts().keys() == {f"{IMAGE}/0/embedding"}


def test_a_paid_call_is_interrupted_until_its_answer_is_stored(
    client: Client, proxy: Proxy
) -> None:
    call(client, "rekognition")
    proxy.draw = always(Kind.RESET_BEFORE)
    with pytest.raises(TransientError):
        call(client, "s3")
    assert proxy.recorder.paid_calls.interruptions() == ["reset before"]
    proxy.draw = lambda _call: None
    call(client, "s3")
    assert proxy.recorder.paid_calls.interruptions() == []


def test_the_end_of_a_process_interrupts_all_calls_of_its_connection(
    client: Client, proxy: Proxy
) -> None:
    worker = client("rekognition")
    worker.detect_labels(Image=PICTURE)
    worker.detect_faces(Image=PICTURE)
    worker.close()
    proxy.disconnected.wait(10)
    assert proxy.recorder.paid_calls.interruptions() == ["its process ended"] * 2


def test_the_end_of_a_process_interrupts_its_notification(client: Client, proxy: Proxy) -> None:
    worker = client("sns")
    worker.publish(**NOTIFICATION)
    worker.close()
    proxy.disconnected.wait(10)
    assert proxy.recorder.notifications.interruptions() == ["its process ended"]
