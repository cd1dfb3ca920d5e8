"""Reads single values of an IPTC record (IIM), with a bound on its datasets."""

from collections.abc import Iterator, Mapping

from services.resize.pictures.exif import decoded

BYLINE, CREDIT, COPYRIGHT_NOTICE = 80, 110, 116
"""Datasets of the application record."""

APPLICATION_RECORD = 2
HEADER = 5
"""Bytes before the value: a marker, the record, the dataset, the length in two bytes."""

MAX_DATASETS = 1000
MAX_BLOCKS = 1000

PHOTOSHOP_BLOCK = b"8BIM"
IPTC_BLOCK = 0x0404


def read_iptc(record: bytes) -> Mapping[int, str]:
    """The texts of the application record by their dataset; of several values the first."""
    texts: dict[int, str] = {}
    at = 0
    for _ in range(MAX_DATASETS):
        head = record[at : at + HEADER]
        length = int.from_bytes(head[3:5])
        if len(head) < HEADER or head[0] != 0x1C or length > 0x7FFF:  # noqa: PLR2004 - IIM's marker
            break
        at += HEADER + length
        if head[1] == APPLICATION_RECORD and head[2] in {BYLINE, CREDIT, COPYRIGHT_NOTICE}:
            texts.setdefault(head[2], decoded(record[at - length : at]))
    return texts


def iptc_of(photoshop: bytes) -> bytes:
    """The IPTC record in Photoshop's blocks; empty if there is none."""
    return next((content for kind, content in _blocks(photoshop) if kind == IPTC_BLOCK), b"")


def _blocks(photoshop: bytes) -> Iterator[tuple[int, bytes]]:
    """A block has a mark, a kind, a name of even length, a length, and even content."""
    at = 0
    for _ in range(MAX_BLOCKS):
        if photoshop[at : at + 4] != PHOTOSHOP_BLOCK or at + 12 > len(photoshop):
            return
        start = at + 6 + (photoshop[at + 6] // 2 + 1) * 2 + 4
        length = int.from_bytes(photoshop[start - 4 : start])
        yield int.from_bytes(photoshop[at + 4 : at + 6]), photoshop[start : start + length]
        at = start + length + length % 2
