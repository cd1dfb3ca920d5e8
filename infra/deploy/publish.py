"""Publishing the page of a stage on AWS: its files to the bucket behind CloudFront."""

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
    """Build the page and publish what of it is new; nothing for a stage without one.

    `outputs` are the stack's: PageBucket, PageDistribution and PageAddress say that there is a
    page, ApiAddress whom it asks, and SignInAddress, SignInClient and SignInScope where people sign
    in. InfraError where it cannot be built.
    """
    if "PageBucket" not in outputs:
        return
    files = _files(web.build(say), configuration(outputs, stage))
    changed = _put(clients.client("s3"), outputs["PageBucket"], files)
    _forget(clients.client("cloudfront"), outputs["PageDistribution"], files)
    say(f"the page is {'published' if changed else 'up to date'}: {outputs['PageAddress']}")


def configuration(outputs: Mapping[str, str], stage: Stage) -> Mapping[str, Any]:
    """The page's configuration, with the sign-in where the stage has one."""
    configured = web.configuration(outputs["ApiAddress"], stage.name)
    sign_in = auth.sign_in(outputs)
    return {**configured, "signIn": sign_in} if sign_in else configured


def _files(folder: Path, configuration: Mapping[str, Any]) -> dict[str, bytes]:
    """By key, in an order in which no file is named before it is there: index.html comes last."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    found[CONFIGURATION] = json.dumps(configuration, sort_keys=True).encode()
    return {key: found[key] for key in sorted(found, key=lambda key: (key == INDEX, key))}


def _put(s3: Any, bucket: str, files: Mapping[str, bytes]) -> list[str]:
    """Upload what differs from what is there; the keys. What older pages may ask for stays."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    listed = [one for page in pages for one in page.get("Contents", [])]
    there = {one["Key"]: one["ETag"].strip('"') for one in listed}
    changed = [key for key, body in files.items() if there.get(key) != _etag(body)]
    for key in changed:
        web.put(s3, bucket, key, files[key])
    return changed


def _etag(body: bytes) -> str:
    """What S3 says of an object that was put whole and encrypted with its own keys."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _forget(cloudfront: Any, distribution: str, files: Mapping[str, bytes]) -> None:
    """Let no edge answer with what was replaced."""
    content = b"".join(f"{key} {_etag(body)}\n".encode() for key, body in files.items())
    cloudfront.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            # The same content is the same invalidation: asked for again, it costs nothing, and one
            # that a deployment died before is made good by the next.
            "CallerReference": hashlib.sha256(content).hexdigest(),
        },
    )
