"""Detections by Amazon Rekognition, or a compatible server, on objects of one bucket."""

from typing import Any, Literal, Protocol

from services.analyze.logic import Answer, Detection, Thresholds
from shared.aws import aws_errors
from shared.errors import Fault

Supported = Literal[Detection.LABELS, Detection.FACES, Detection.TEXT, Detection.MODERATION]
"""The detections that Rekognition offers."""


class Recognizer(Protocol):
    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Answer:
        """The full answer to one detection, as the service returns it. Every call is billed.

        Raises PermanentError for a picture that the service never accepts, and Throttled.
        Thread-safe.
        """
        ...


class Rekognition:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def ask(self, detection: Supported, key: str, thresholds: Thresholds) -> Answer:
        image = {"S3Object": {"Bucket": self._bucket, "Name": key}}
        call, options = self._call(detection, thresholds)
        # Darkroom created the picture, so these errors are internal.
        with aws_errors(
            f"{detection} of {key}",
            InvalidImageFormatException=("unreadable-picture", Fault.INTERNAL),
            ImageTooLargeException=("picture-too-large", Fault.INTERNAL),
            InvalidParameterException=("refused-by-rekognition", Fault.INTERNAL),
            InvalidS3ObjectException=("picture-unreachable", Fault.INTERNAL),
        ):
            answer = call(Image=image, **options)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def _call(self, detection: Supported, thresholds: Thresholds) -> tuple[Any, dict[str, Any]]:
        match detection:
            case Detection.LABELS:
                return self._client.detect_labels, {
                    "MaxLabels": thresholds.max_labels,
                    "MinConfidence": thresholds.labels,
                }
            case Detection.FACES:
                return self._client.detect_faces, {"Attributes": ["ALL"]}
            case Detection.TEXT:
                return self._client.detect_text, {}
            case Detection.MODERATION:
                return self._client.detect_moderation_labels, {
                    "MinConfidence": thresholds.moderation
                }
