"""Refusing the bodies that no model should be asked to read: huge, undecodable, of another type."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from services.api.problems import Problem

LARGEST = 64 * 1024
"""Bytes: fifty files with the longest names take half of it."""


def refuse_bad_body(event: Mapping[str, Any]) -> None:
    """Problem ``too-large`` (413), ``not-json`` (400) or ``unsupported-type`` (415)."""
    body = event.get("body")
    if not body:
        return
    if len(body) > LARGEST:
        raise Problem(413, "too-large", f"A request has {LARGEST:,} bytes at most.")
    kind = header(event, "content-type").strip().lower()
    if kind and not kind.startswith("application/json"):
        raise Problem(415, "unsupported-type", "Only application/json is read here.")
    _read(body, encoded=bool(event.get("isBase64Encoded")))


def _read(body: str, *, encoded: bool) -> None:
    """Read it once, to see that it can be: a number may be too long, or an array too deep."""
    try:
        said = b64decode(body, validate=True).decode() if encoded else body
        said.encode()  # what is no Unicode cannot be written into any answer
        json.dumps(json.loads(said), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Problem(400, "not-json", "The body cannot be read as JSON.") from error


def header(event: Mapping[str, Any], name: str) -> str:
    """A header's value, whatever letters its name came in; empty where there is none."""
    headers = event.get("headers") or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
