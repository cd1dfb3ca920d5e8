"""The errors a caller can get, under the codes by which AWS raises them."""

from enum import StrEnum


class Code(StrEnum):
    """Rekognition's own codes, Bedrock's, and those every AWS service of these protocols has."""

    IMAGE_TOO_LARGE = "ImageTooLargeException"
    INTERNAL = "InternalServerError"
    INVALID_IMAGE_FORMAT = "InvalidImageFormatException"
    INVALID_PARAMETER = "InvalidParameterException"
    INVALID_S3_OBJECT = "InvalidS3ObjectException"
    RESOURCE_NOT_FOUND = "ResourceNotFoundException"
    SERIALIZATION = "SerializationException"
    THROTTLING = "ThrottlingException"
    UNKNOWN_OPERATION = "UnknownOperationException"
    UNRECOGNIZED_CLIENT = "UnrecognizedClientException"
    VALIDATION = "ValidationException"


class RekognitionError(Exception):
    """A call that is refused or failed: the code that boto3 names the exception after, and why."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status: 500 makes a caller's SDK try again, 400 does not."""
        return 500 if self.code is Code.INTERNAL else 400
