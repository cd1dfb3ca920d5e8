"""The errors of the local services, with AWS's error codes."""

from enum import StrEnum


class Code(StrEnum):
    """Error codes of Rekognition, of Bedrock, and of every AWS service with these protocols."""

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
    """A request that was refused or failed. boto3 names its exception after the code."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status. SDKs retry a 500, but not a 400."""
        return 500 if self.code is Code.INTERNAL else 400
