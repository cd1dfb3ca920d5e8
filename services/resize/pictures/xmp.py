"""Reads single values of an XMP packet by regular expressions, with a bound on its bytes.

It uses no XML parser, because a parser expands entities and builds a tree of the whole packet.
"""

import re
from functools import lru_cache

MAX_BYTES = 512 * 1024
"""Bytes of a packet that are read. In a JPEG it has at most 64 KB."""

ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def value(packet: bytes, name: str) -> str:
    """A property's value, or the first item of its list; empty if it is missing.

    ``name`` has the usual prefix: ``photoshop:Credit``. A property is an attribute or an element.
    """
    if packet.find(name.encode(), 0, MAX_BYTES) < 0:  # faster than to compile an expression
        return ""
    found = _property(name).search(packet, 0, MAX_BYTES)
    content = next((group for group in found.groups() if group), b"") if found else b""
    return ENTITY.sub(_character, content.decode("utf-8", "replace")).strip()


@lru_cache(maxsize=32)
def _property(name: str) -> re.Pattern[bytes]:
    """Every repetition is bounded and possessive, so a search takes linear time."""
    item = r"(?:<rdf:(?:Seq|Alt|Bag)\s*+>\s{0,99}+<rdf:li[^<>]{0,99}+>)?"
    return re.compile(
        rf"""[\s<]{name}(?:\s{{0,9}}+=\s{{0,9}}+(?:"([^"<]{{1,999}}+)|'([^'<]{{1,999}}+))"""
        rf"|(?:\s[^<>]{{0,99}}+)?>\s{{0,99}}+{item}([^<]{{1,999}}+))".encode()
    )


def _character(entity: re.Match[str]) -> str:
    decimal, hexadecimal, name = entity.groups()
    if name:
        return NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 31 < code < 0x110000 else " "  # noqa: PLR2004 - printable, and in Unicode
