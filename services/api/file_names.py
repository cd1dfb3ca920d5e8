"""File names as parts of S3 keys. Pure."""

import re
import unicodedata

MAX_LENGTH = 100
"""Characters. An S3 key has at most 1,024 bytes, and a character takes at most four of them."""


def safe_name(name: str) -> str:
    """The name with letters of any script, digits and ``._-`` only, and its suffix."""
    plain = unicodedata.normalize("NFC", name)
    cleaned = re.sub(r"[^\w.-]+", "-", plain).strip(".-")
    stem, dot, suffix = cleaned.rpartition(".")
    if not dot or len(suffix) >= MAX_LENGTH:
        return cleaned[:MAX_LENGTH] or "image"
    return f"{stem[: MAX_LENGTH - len(suffix) - 1]}.{suffix}"


def base_name(key: str) -> str:
    """The last part of a key."""
    return key.rsplit("/", 1)[-1] or key
