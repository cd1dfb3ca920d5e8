"""Upload a file without the aws command line."""

import mimetypes
from pathlib import Path

from boto3.exceptions import S3UploadFailedError

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from services.resize.focal import parse_focal


def upload(
    file: Path,
    key: str,
    owner: str | None,
    outputs: Outputs,
    clients: Clients,
    *,
    focal: str | None = None,
) -> str:
    """Copy a file into the uploads bucket and return its s3:// URI.

    The content type is guessed from the name; Darkroom itself reads the content only.
    InfraError if the file does not exist, the owner is not ASCII, the focal point is invalid, or S3
    refuses the upload.
    """
    if not file.is_file():
        raise InfraError(f"there is no file {file}")
    if owner and not owner.isascii():
        raise InfraError(f"S3 stores only ASCII in metadata: choose another owner than {owner}")
    if focal and parse_focal(focal) is None:
        raise InfraError(f"a focal point is two ratios such as 0.3,0.7, not {focal}")
    bucket = outputs.buckets["uploads"]
    kind, _ = mimetypes.guess_type(file.name)
    extra = {
        "ContentType": kind or "application/octet-stream",
        "Metadata": {k: v for k, v in (("owner", owner), ("focal", focal)) if v},
    }
    try:
        clients.client("s3").upload_file(str(file), bucket, key, ExtraArgs=extra)
    except S3UploadFailedError as error:
        raise InfraError(str(error)) from error
    return f"s3://{bucket}/{key}"
