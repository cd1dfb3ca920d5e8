"""Publish the page of a stage on AWS: upload its files to the bucket behind CloudFront."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.clients import Clients
from infra.cloudformation import auth
from infra.config.stages import Stage
from infra.deploy import page as web
from infra.terminal import Say

CONFIGURATION = "config.json"
INDEX = "index.html"


def page(outputs: Mapping[str, str], stage: Stage, clients: Clients, say: Say) -> None:
    """Build the page and upload changed files; does nothing for a stage without a page.

    `outputs` are the stack's. A stage with a page has PageBucket, PageDistribution, PageAddress and
    ApiAddress; with a sign-in also SignInAddress, SignInClient and SignInScope. InfraError if the
    build fails.
    """
    if "PageBucket" not in outputs:
        return
    files = _files(web.build(say), configuration(outputs, stage))
    changed = _put(clients.client("s3"), outputs["PageBucket"], files)
    _invalidate(clients.client("cloudfront"), outputs["PageDistribution"], files)
    say(f"the page is {'published' if changed else 'up to date'}: {outputs['PageAddress']}")


def configuration(outputs: Mapping[str, str], stage: Stage) -> Mapping[str, Any]:
    """The page's configuration, with the sign-in where the stage has one."""
    configured = web.configuration(outputs["ApiAddress"], stage.name)
    sign_in = auth.sign_in(outputs)
    return {**configured, "signIn": sign_in} if sign_in else configured


def _files(folder: Path, configuration: Mapping[str, Any]) -> dict[str, bytes]:
    """The files by key. index.html comes last, because it refers to the others."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    files[CONFIGURATION] = json.dumps(configuration, sort_keys=True).encode()
    return {key: files[key] for key in sorted(files, key=lambda key: (key == INDEX, key))}


def _put(s3: Any, bucket: str, files: Mapping[str, bytes]) -> list[str]:
    """Upload changed files; returns their keys. Files of older pages stay, for open browsers."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    objects = [item for page in pages for item in page.get("Contents", [])]
    etags = {item["Key"]: item["ETag"].strip('"') for item in objects}
    changed = [key for key, body in files.items() if etags.get(key) != _etag(body)]
    for key in changed:
        web.put(s3, bucket, key, files[key])
    return changed


def _etag(body: bytes) -> str:
    """The ETag of an object that was uploaded in one request and encrypted with SSE-S3."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _invalidate(cloudfront: Any, distribution: str, files: Mapping[str, bytes]) -> None:
    """Remove replaced files from CloudFront's caches."""
    content = b"".join(f"{key} {_etag(body)}\n".encode() for key, body in files.items())
    cloudfront.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            # The same content gives the same reference: CloudFront ignores a repeat, and the next
            # deployment requests an invalidation that an interrupted one missed.
            "CallerReference": hashlib.sha256(content).hexdigest(),
        },
    )
