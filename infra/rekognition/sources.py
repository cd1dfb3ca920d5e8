"""Where a picture's bytes come from: out of the request, or out of S3."""

from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any, NoReturn

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.lazy import Lazy
from infra.rekognition.pictures import MAX_BYTES, MAX_OBJECT_BYTES, check_bytes

# Buckets in the path, because bucket.localhost is no name that resolves everywhere; a fast give-up,
# because the caller waits on this call with a retry policy of its own.
S3_CONFIG = Config(
    s3={"addressing_style": "path"},
    retries={"mode": "standard", "max_attempts": 2},
    connect_timeout=5,
    read_timeout=30,
)


class Sources:
    """Reads what an `Image` parameter points at.

    S3 is reached as boto3 is told by the usual variables (AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3,
    credentials, region): with this server's rights, where Rekognition would use its caller's.
    """

    def __init__(self) -> None:
        self._s3 = Lazy(lambda: boto3.client("s3", config=S3_CONFIG))

    def read(self, image: Mapping[str, Any]) -> bytes:
        """The bytes, no more than Rekognition takes from there. Raises RekognitionError."""
        match image:
            case {"Bytes": bytes(content), **rest} if not rest:
                check_bytes(len(content), MAX_BYTES)
                return content
            case {"S3Object": {"Bucket": str(), "Name": str()} as where, **rest} if not rest:
                return self._object(where)
        message = "Image takes either Bytes or an S3Object with Bucket and Name"
        raise RekognitionError(Code.INVALID_PARAMETER, message)

    def _object(self, where: Mapping[str, str]) -> bytes:
        request = {"Bucket": where["Bucket"], "Key": where["Name"]}
        if "Version" in where:
            request["VersionId"] = where["Version"]
        try:
            found = self._s3().get_object(**request)
            with closing(found["Body"]) as body:
                check_bytes(found["ContentLength"], MAX_OBJECT_BYTES)
                content: bytes = body.read()
        except ClientError as error:
            _refuse(error)
        except ParamValidationError as error:
            raise RekognitionError(Code.INVALID_S3_OBJECT, str(error)) from error
        except BotoCoreError as error:
            message = f"S3 could not be asked: {error}"
            raise RekognitionError(Code.INTERNAL, message) from error
        return content


def _refuse(error: ClientError) -> NoReturn:
    """A 5xx of S3 may pass; everything else it says is about the object that was asked for."""
    reason = error.response.get("Error", {}).get("Code", "unknown")
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RekognitionError(Code.INTERNAL, f"S3 answered {reason}") from error
    raise RekognitionError(
        Code.INVALID_S3_OBJECT,
        "Unable to get object metadata from S3. "
        f"Check object key, region and/or access permissions. ({reason})",
    ) from error
