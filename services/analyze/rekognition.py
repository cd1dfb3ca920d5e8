"""Amazon Rekognition, or whatever speaks like it, asked about one object of one bucket."""

from typing import Any, Literal, Protocol

from services.analyze.logic import Answer, Detection, Thresholds
from shared.aws import aws_errors
from shared.errors import Fault

Its = Literal[Detection.LABELS, Detection.FACES, Detection.TEXT, Detection.MODERATION]
"""The detections that are Rekognition's."""


class Recognizer(Protocol):
    def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Answer:
        """One detection's full answer, as its service gives it. Every call is paid for.

        Raises PermanentError for a picture that the service will never take, Throttled when it
        asks to slow down. Safe to call from several threads.
        """
        ...


class Rekognition:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def ask(self, detection: Its, key: str, thresholds: Thresholds) -> Answer:
        image = {"S3Object": {"Bucket": self._bucket, "Name": key}}
        call, options = self._call(detection, thresholds)
        # The picture is of our own making, so what Rekognition cannot read of it is our fault.
        with aws_errors(
            f"{detection} of {key}",
            InvalidImageFormatException=("unreadable-picture", Fault.INTERNAL),
            ImageTooLargeException=("picture-too-large", Fault.INTERNAL),
            InvalidParameterException=("refused-by-rekognition", Fault.INTERNAL),
            InvalidS3ObjectException=("picture-unreachable", Fault.INTERNAL),
        ):
            answer = call(Image=image, **options)
        return {name: said for name, said in answer.items() if name != "ResponseMetadata"}

    def _call(self, detection: Its, thresholds: Thresholds) -> tuple[Any, dict[str, Any]]:
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
