"""Finds the pictures below a folder."""

import re
from pathlib import Path

from services.resize.pictures.header import SIGNATURES

NAMES = re.compile(
    r".+\.(apng|avifs?|bmp|dib|gif|hei[cf]|hif|jfif|jpe|jpe?g|jxl|mpo|png|svg|tiff?|webp)",
    re.IGNORECASE,
)
"""The names of picture files. Damaged files are recognized by it."""

HEADER_LENGTH = 4096
"""Bytes that are searched for a signature."""


def pictures(folder: Path) -> list[Path]:
    """Every file below the folder that is a picture by its content or its name, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and _is_picture(path))


def _is_picture(path: Path) -> bool:
    if NAMES.fullmatch(path.name):
        return True
    with path.open("rb") as file:
        header = file.read(HEADER_LENGTH)
    return any(signature.match(header) for signature in SIGNATURES.values())
