"""Cursors: opaque positions in a list, valid for one query only. Pure."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from services.api.problems import Problem

MAX_CURSOR = 1000
"""Characters."""
RANGE_KEY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f-]{36}", re.ASCII)
OFFSET = re.compile(r"[0-9]{1,9}")


def encode(query: str, position: str) -> str:
    """A cursor at this position of this query. It is opaque to its holder, but not secret."""
    text = json.dumps([query, position]).encode()
    return urlsafe_b64encode(text).decode().rstrip("=")


def decode_range_key(cursor: str, query: str) -> str:
    """The range key of the last entry that was read. Problem ``invalid-cursor`` (400)."""
    return _decode(cursor, query, RANGE_KEY)


def decode_offset(cursor: str, query: str) -> int:
    """The number of items on the previous pages. Problem ``invalid-cursor`` (400)."""
    return int(_decode(cursor, query, OFFSET))


def _decode(cursor: str, query: str, form: re.Pattern[str]) -> str:
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        its_query, position = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise _invalid("It was not issued by this API.") from error
    if its_query != query:
        raise _invalid("It belongs to other filters. Repeat those, or leave the cursor out.")
    if not isinstance(position, str) or not form.fullmatch(position):
        raise _invalid("It was not issued by this API.")
    return position


def _invalid(reason: str) -> Problem:
    return Problem(400, "invalid-cursor", f"The cursor is not valid. {reason}")
