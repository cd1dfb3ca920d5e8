"""Publish the page and its configuration on an emulator, in a public bucket."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.deploy import page
from infra.deploy.outputs import Outputs


def publish(folder: Path, api: str, outputs: Outputs, clients: Clients) -> str:
    """Upload the page to its bucket, replacing what is there; returns its address.

    ``api`` is the address at which a browser on this machine reaches the API.
    """
    bucket = f"darkroom-{outputs.stage}-page"
    s3 = clients.client("s3")
    _ensure_public(s3, bucket)
    # index.html refers to the other files, so it is uploaded last: no reference is ever broken.
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in sorted(paths, key=lambda path: path.name == "index.html"):
        page.put(s3, bucket, path.relative_to(folder).as_posix(), path.read_bytes())
    page.put(s3, bucket, "config.json", json.dumps(page.configuration(api, outputs.stage)).encode())
    return f"{outputs.endpoint}/{bucket}/index.html"


def _ensure_public(s3: Any, bucket: str) -> None:
    """Create the bucket if it is missing, and let everyone on this machine read its objects."""
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
    s3.delete_public_access_block(Bucket=bucket)  # a new bucket refuses a public policy
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
