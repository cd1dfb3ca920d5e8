"""The proxy against a real server: what goes through, what goes wrong, and what is counted."""

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

IMAGE = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11"
PICTURE = {"S3Object": {"Bucket": "pictures", "Name": f"renditions/{IMAGE}/0/analysis.jpeg"}}
TOLD = {
    "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
    "MessageStructure": "json",
    "Message": json.dumps({"default": json.dumps({"id": "n1"})}),
}
SETTLED = {
    "TableName": "ledger",
    "Key": {"image": {"S": IMAGE}, "claim": {"S": "notify/image.completed.v1/n1"}},
    "UpdateExpression": "SET completed_at = :now",
}
KEPT = json.dumps({"answers": {"labels": {}}}).encode()
SHOWN = json.dumps({"inputImage": b64encode(b"a picture").decode()})
Client = Callable[[str], Any]
CALLS: dict[str, Callable[[Any], Any]] = {
    "s3": lambda s3: s3.put_object(
        Bucket="pictures", Key=f"analyses/{IMAGE}/0/analysis.json", Body=KEPT
    ),
    "sns": lambda sns: sns.publish(**TOLD),
    "sqs": lambda sqs: sqs.delete_queue(QueueUrl="http://localhost/000000000000/q"),
    "dynamodb": lambda dynamodb: dynamodb.update_item(**SETTLED),
    "rekognition": lambda rekognition: rekognition.detect_labels(Image=PICTURE),
    "bedrock-runtime": lambda bedrock: bedrock.invoke_model(modelId="titan", body=SHOWN),
}
every_service = pytest.mark.parametrize("service", CALLS)


def call(client: Client, service: str) -> None:
    """One call of this service, its errors translated as the functions translate them."""
    with aws_errors(service):
        CALLS[service](client(service))


def always(kind: Kind, status: int = 0) -> Callable[..., Fault]:
    return lambda _call: Fault(kind, status=status)


@every_service
def test_a_call_goes_through_as_it_came(client: Client, proxy: Proxy, aws: Aws, service) -> None:
    call(client, service)
    ((_method, _path, host, _body),) = aws.heard
    assert host == proxy.endpoint.removeprefix("http://")


@every_service
def test_throttling_comes_in_the_service_s_own_shape(
    client: Client, proxy: Proxy, aws: Aws, service
) -> None:
    proxy.draw = always(Kind.THROTTLE)
    with pytest.raises(Throttled):
        call(client, service)
    assert aws.heard == []


@every_service
@pytest.mark.parametrize("status", [500, 503])
def test_an_error_is_one_that_passes(client: Client, proxy: Proxy, service, status) -> None:
    proxy.draw = always(Kind.ERROR, status)
    with pytest.raises(TransientError, match="unavailable"):
        call(client, service)


def test_a_refused_picture_is_refused_for_good(client: Client, proxy: Proxy) -> None:
    proxy.draw = always(Kind.REFUSE)
    with pytest.raises(PermanentError), aws_errors("it", InvalidImageFormatException=("no", None)):
        CALLS["rekognition"](client("rekognition"))
    with pytest.raises(PermanentError), aws_errors("it", ValidationException=("no", None)):
        CALLS["bedrock-runtime"](client("bedrock-runtime"))


@every_service
@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE, Kind.RESET_AFTER])
def test_a_lost_call_has_reached_the_service_or_not(
    client: Client, proxy: Proxy, aws: Aws, service, kind
) -> None:
    proxy.draw = always(kind)
    with pytest.raises(TransientError, match="unreachable"):
        call(client, service)
    assert bool(aws.heard) is (kind in LATE)


@pytest.mark.parametrize("kind", [Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER])
def test_a_call_without_an_answer_has_reached_the_service_or_not(
    client: Client, proxy: Proxy, aws: Aws, kind
) -> None:
    proxy.draw = always(kind)
    with pytest.raises(TransientError, match="timeout"):
        call(client, "sns")
    assert bool(aws.heard) is (kind in LATE)


def test_a_slow_call_gets_there_in_the_end(client: Client, proxy: Proxy, aws: Aws) -> None:
    proxy.draw = lambda _call: Fault(Kind.SLOW, seconds=0.01)
    call(client, "sns")
    assert len(aws.heard) == 1


def test_calls_go_on_to_the_server_of_their_service(client: Client, proxy: Proxy, aws: Aws) -> None:
    proxy.services["rekognition"], proxy.emulator = aws.port, 1  # nobody listens on port 1
    call(client, "rekognition")
    assert len(aws.heard) == 1


def test_a_telling_whose_answer_is_lost_was_cut_off_from_its_note(
    client: Client, proxy: Proxy
) -> None:
    proxy.draw = always(Kind.RESET_AFTER)
    with pytest.raises(TransientError):
        call(client, "sns")
    assert (proxy.witness.told.seen()["n1"].times, proxy.witness.told.cuts()) == (
        1,
        ["reset after"],
    )


def test_a_telling_whose_note_is_refused_was_cut_off_from_it(client: Client, proxy: Proxy) -> None:
    call(client, "sns")
    proxy.draw = always(Kind.ERROR, 500)
    with pytest.raises(TransientError):
        call(client, "dynamodb")
    assert proxy.witness.told.cuts() == ["error"]


def test_a_telling_that_was_noted_was_not_cut_off(client: Client, proxy: Proxy) -> None:
    call(client, "sns")
    call(client, "dynamodb")
    assert proxy.witness.told.cuts() == []


def test_an_embedding_is_paid_for_by_the_run_whose_picture_it_shows(
    client: Client, proxy: Proxy
) -> None:
    call(client, "bedrock-runtime")
    assert proxy.witness.paid.seen() == {}
    key = f"renditions/{IMAGE}/0/analysis.jpeg"
    client("s3").put_object(Bucket="pictures", Key=key, Body=b"a picture")
    call(client, "bedrock-runtime")
    assert proxy.witness.paid.seen().keys() == {f"{IMAGE}/0/embedding"}


def test_an_analysis_is_paid_for_until_it_is_kept(client: Client, proxy: Proxy) -> None:
    call(client, "rekognition")
    proxy.draw = always(Kind.RESET_BEFORE)
    with pytest.raises(TransientError):
        call(client, "s3")
    assert proxy.witness.paid.cuts() == ["reset before"]
    proxy.draw = lambda _call: None
    call(client, "s3")
    assert proxy.witness.paid.cuts() == []


def test_a_process_that_ends_cuts_off_all_that_came_by_its_connection(
    client: Client, proxy: Proxy
) -> None:
    worker = client("rekognition")
    worker.detect_labels(Image=PICTURE)
    worker.detect_faces(Image=PICTURE)
    worker.close()
    proxy.hung_up.wait(10)
    assert proxy.witness.paid.cuts() == ["its process ended"] * 2


def test_a_process_that_ends_before_its_note_cuts_it_off(client: Client, proxy: Proxy) -> None:
    worker = client("sns")
    worker.publish(**TOLD)
    worker.close()
    proxy.hung_up.wait(10)
    assert proxy.witness.told.cuts() == ["its process ended"]
