"""The adapter as botocore's own service model takes it: each call, each error code."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from services.analyze.logic import Detection, Thresholds
from services.analyze.rekognition import Rekognition
from shared.errors import DarkroomError, Fault, PermanentError, Throttled, TransientError
from tests.stubs import stubbed

KEY = "renditions/i/0/analysis.jpeg"
PICTURE = {"Image": {"S3Object": {"Bucket": "processed", "Name": KEY}}}
SURE = Thresholds(max_labels=7, labels=66.5, faces=99, text=98, moderation=44)

OF_WHAT_WE_DO_NOT_USE = {
    "HumanLoopQuotaExceededException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
}
"""Human review and custom models have errors of their own."""


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Rekognition's client: it checks what it is asked by the model, and sends nothing."""
    with stubbed("rekognition") as stubber:
        yield stubber


def ask(stub: Stubber, detection: Detection) -> Any:
    return Rekognition(stub.client, "processed").ask(detection, KEY, SURE)


@pytest.mark.parametrize(
    ("detection", "call", "answer", "options"),
    [
        (
            Detection.LABELS,
            "detect_labels",
            {"Labels": [{"Name": "Cat", "Confidence": 98.0}], "LabelModelVersion": "3.0"},
            {"MaxLabels": 7, "MinConfidence": 66.5},
        ),
        (
            Detection.FACES,
            "detect_faces",
            {"FaceDetails": [{"Confidence": 99.0}]},
            {"Attributes": ["ALL"]},
        ),
        (
            Detection.TEXT,
            "detect_text",
            {"TextDetections": [{"DetectedText": "OPEN", "Type": "LINE", "Confidence": 99.0}]},
            {},
        ),
        (
            Detection.MODERATION,
            "detect_moderation_labels",
            {"ModerationLabels": [], "ModerationModelVersion": "7.0"},
            {"MinConfidence": 44},
        ),
    ],
)
def test_each_detection_returns_the_full_answer(
    stub: Stubber, detection: Detection, call: str, answer: Any, options: Any
) -> None:
    stub.add_response(call, answer, PICTURE | options)
    assert ask(stub, detection) == answer


def refusal(stub: Stubber, code: str) -> DarkroomError:
    stub.add_client_error("detect_labels", code, "because")
    with pytest.raises(DarkroomError) as refused:
        ask(stub, Detection.LABELS)
    return refused.value


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidImageFormatException", "unreadable-picture"),
        ("ImageTooLargeException", "picture-too-large"),
        ("InvalidParameterException", "refused-by-rekognition"),
        ("InvalidS3ObjectException", "picture-unreachable"),
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


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_throttling_error_raises_throttled(stub: Stubber, code: str) -> None:
    assert type(refusal(stub, code)) is Throttled


@pytest.mark.parametrize("code", ["InternalServerError", "ServiceUnavailable"])
def test_an_unavailable_service_is_transient(stub: Stubber, code: str) -> None:
    assert type(refusal(stub, code)) is TransientError


def test_every_declared_error_is_translated(stub: Stubber) -> None:
    known = {
        "InvalidS3ObjectException": PermanentError,
        "InvalidParameterException": PermanentError,
        "ImageTooLargeException": PermanentError,
        "AccessDeniedException": PermanentError,
        "InvalidImageFormatException": PermanentError,
        "InternalServerError": TransientError,
        "ThrottlingException": Throttled,
        "ProvisionedThroughputExceededException": Throttled,
    }
    calls = ("DetectLabels", "DetectFaces", "DetectText", "DetectModerationLabels")
    model = stub.client.meta.service_model
    declared = {shape.name for call in calls for shape in model.operation_model(call).error_shapes}
    assert declared - OF_WHAT_WE_DO_NOT_USE == set(known)
    assert {code: type(refusal(stub, code)) for code in known} == known
