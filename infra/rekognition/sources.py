"""Reads the bytes of a picture from the request or from S3."""

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

# Bucket names go in the path, because bucket.localhost does not resolve everywhere. Few retries and
# short timeouts, because the client waits for the response and has its own retry policy.
S3_CONFIG = Config(
    s3={"addressing_style": "path"},
    retries={"mode": "standard", "max_attempts": 2},
    connect_timeout=5,
    read_timeout=30,
)


class Sources:
    """Reads the picture that an `Image` parameter contains or names.

    The usual variables configure the S3 client (AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3,
    credentials, region). It uses this server's permissions; Rekognition would use its caller's.
    """

    def __init__(self) -> None:
        self._s3 = Lazy(lambda: boto3.client("s3", config=S3_CONFIG))

    def read(self, image: Mapping[str, Any]) -> bytes:
        """The bytes of the picture, within Rekognition's size limit. Raises RekognitionError."""
        match image:
            case {"Bytes": bytes(content), **rest} if not rest:
                check_bytes(len(content), MAX_BYTES)
                return content
            case {"S3Object": {"Bucket": str(), "Name": str()} as location, **rest} if not rest:
                return self._object(location)
        message = "Image takes either Bytes or an S3Object with Bucket and Name"
        raise RekognitionError(Code.INVALID_PARAMETER, message)

    def _object(self, location: Mapping[str, str]) -> bytes:
        request = {"Bucket": location["Bucket"], "Key": location["Name"]}
        if "Version" in location:
            request["VersionId"] = location["Version"]
        try:
            response = self._s3().get_object(**request)
            with closing(response["Body"]) as body:
                check_bytes(response["ContentLength"], MAX_OBJECT_BYTES)
                content: bytes = body.read()
        except ClientError as error:
            _refuse(error)
        except ParamValidationError as error:
            raise RekognitionError(Code.INVALID_S3_OBJECT, str(error)) from error
        except BotoCoreError as error:
            message = f"the request to S3 failed: {error}"
            raise RekognitionError(Code.INTERNAL, message) from error
        return content


def _refuse(error: ClientError) -> NoReturn:
    """Report a 5xx of S3 as an internal error, and any other error as an invalid object."""
    reason = error.response.get("Error", {}).get("Code", "unknown")
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RekognitionError(Code.INTERNAL, f"S3 answered {reason}") from error
    raise RekognitionError(
        Code.INVALID_S3_OBJECT,
        "Unable to get object metadata from S3. "
        f"Check object key, region and/or access permissions. ({reason})",
    ) from error
