"""The adapter as botocore's own service model takes it: the call, each error code."""

import json
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from services.analyze.amazon import Amazon
from services.analyze.bedrock import Titan
from services.analyze.logic import Detection, Thresholds
from services.analyze.rekognition import Rekognition
from shared.errors import DarkroomError, Fault, PermanentError, Throttled, TransientError
from tests.contract.samples import TITAN, TITAN_VECTOR
from tests.fakes import MemoryObjects
from tests.stubs import stubbed

KEY = "renditions/i/0/analysis.jpeg"
PICTURE = b"a picture"
CALL = {"modelId": TITAN, "body": ANY}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Bedrock's client: it checks what it is asked by the model, and sends nothing."""
    with stubbed("bedrock-runtime") as stubber:
        yield stubber


def titan(stub: Stubber) -> Titan:
    processed = MemoryObjects()
    processed.put(KEY, PICTURE, "image/jpeg")
    return Titan(stub.client, processed)


def answers(stub: Stubber, said: dict[str, Any]) -> None:
    body = json.dumps(said).encode()
    streamed = StreamingBody(BytesIO(body), len(body))
    stub.add_response("invoke_model", {"body": streamed, "contentType": "application/json"}, CALL)


def test_the_picture_is_sent_and_the_model_id_added(stub: Stubber) -> None:
    sent: list[Any] = []
    stub.client.meta.events.register(
        "before-parameter-build", lambda params, **_: sent.append(params["body"])
    )
    answer = {"embedding": list(TITAN_VECTOR), "inputTextTokenCount": 0, "message": None}
    answers(stub, answer)
    assert titan(stub).embed(KEY) == answer | {"modelId": TITAN}
    said = json.loads(sent[0])
    assert b64decode(said.pop("inputImage")) == PICTURE
    assert said == {"embeddingConfig": {"outputEmbeddingLength": 256}}


def test_only_embeddings_go_to_bedrock(stub: Stubber) -> None:
    answers(stub, {"embedding": list(TITAN_VECTOR)})

    class Asked(Rekognition):
        def ask(self, *asked: Any) -> Any:
            return asked

    amazon = Amazon(Asked(None, "processed"), titan(stub))
    said = {one: amazon.ask(one, KEY, Thresholds()) for one in Detection}
    assert said.pop(Detection.EMBEDDING)["modelId"] == TITAN
    assert said == {one: (one, KEY, Thresholds()) for one in said}


def refusal(stub: Stubber, code: str) -> DarkroomError:
    stub.add_client_error("invoke_model", code, "because")
    with pytest.raises(DarkroomError) as refused:
        titan(stub).embed(KEY)
    return refused.value


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ValidationException", "refused-by-bedrock"),
        ("ResourceNotFoundException", "no-such-model"),
        ("AccessDeniedException", "forbidden"),
    ],
)
def test_an_unretryable_error_is_permanent_and_internal(
    stub: Stubber, code: str, reason: str
) -> None:
    error = refusal(stub, code)
    assert type(error) is PermanentError
    assert (error.reason, error.fault) == (reason, Fault.INTERNAL)
    assert KEY in error.detail


def test_every_declared_error_is_translated(stub: Stubber) -> None:
    known = {
        "AccessDeniedException": PermanentError,
        "ResourceNotFoundException": PermanentError,
        "ValidationException": PermanentError,
        "ThrottlingException": Throttled,
        "InternalServerException": TransientError,
        "ModelErrorException": TransientError,
        "ModelNotReadyException": TransientError,
        "ModelTimeoutException": TransientError,
        "ServiceQuotaExceededException": TransientError,
        "ServiceUnavailableException": TransientError,
    }
    model = stub.client.meta.service_model.operation_model("InvokeModel")
    assert {shape.name for shape in model.error_shapes} == set(known)
    assert {code: type(refusal(stub, code)) for code in known} == known


def test_an_error_in_the_response_body_is_transient(stub: Stubber) -> None:
    answers(stub, {"embedding": None, "message": "the model is busy"})
    with pytest.raises(TransientError, match="the model is busy"):
        titan(stub).embed(KEY)


def test_a_missing_picture_is_not_sent(stub: Stubber) -> None:
    with pytest.raises(PermanentError) as gone:
        Titan(stub.client, MemoryObjects()).embed(KEY)
    assert (gone.value.reason, gone.value.fault) == ("picture-unreachable", Fault.INTERNAL)
