"""Publishing the page on an emulator: a public bucket, with its configuration beside it."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.deploy import page
from infra.deploy.outputs import Outputs


def publish(folder: Path, api: str, outputs: Outputs, clients: Clients) -> str:
    """Put the page into the stage's bucket for it, anew; returns its address.

    ``api`` is the API's address as a browser on this machine reaches it.
    """
    bucket = f"darkroom-{outputs.stage}-page"
    s3 = clients.client("s3")
    _ensure_public(s3, bucket)
    # index.html names the others, so it comes last: nobody reads of a file that is not there yet.
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in sorted(names, key=lambda path: path.name == "index.html"):
        page.put(s3, bucket, path.relative_to(folder).as_posix(), path.read_bytes())
    page.put(s3, bucket, "config.json", json.dumps(page.configuration(api, outputs.stage)).encode())
    return f"{outputs.endpoint}/{bucket}/index.html"


def _ensure_public(s3: Any, bucket: str) -> None:
    """The bucket exists, and everybody on this machine may read its objects."""
    try:
        s3.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    reading = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [reading]}
    s3.delete_public_access_block(Bucket=bucket)  # a new bucket's refuses any public policy
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
