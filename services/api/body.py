"""Refuse request bodies before the router reads them: too large, unreadable or of another type."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from services.api.problems import Problem

MAX_BODY = 64 * 1024
"""Bytes. Fifty files with the longest names take half of it."""


def refuse_bad_body(event: Mapping[str, Any]) -> None:
    """Problem ``request-too-large`` (413), ``invalid-json`` (400) or ``unsupported-media-type``
    (415).
    """
    body = event.get("body")
    if not body:
        return
    if len(body) > MAX_BODY:
        raise Problem(413, "request-too-large", f"A request has at most {MAX_BODY:,} bytes.")
    media_type = header(event, "content-type").strip().lower()
    if media_type and not media_type.startswith("application/json"):
        raise Problem(415, "unsupported-media-type", "The body must be application/json.")
    _check_json(body, encoded=bool(event.get("isBase64Encoded")))


def _check_json(body: str, *, encoded: bool) -> None:
    """Parse and serialize it once: a number may be too long, or an array nested too deeply."""
    try:
        text = b64decode(body, validate=True).decode() if encoded else body
        text.encode()  # no response can contain text that is not valid Unicode
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Problem(400, "invalid-json", "The body cannot be parsed as JSON.") from error


def header(event: Mapping[str, Any], name: str) -> str:
    """A header's value by its name in lower case; empty if it is missing."""
    headers = event.get("headers") or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
