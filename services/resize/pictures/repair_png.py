"""Repairs a PNG: it drops metadata that cannot be read, and corrects checksums."""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import PngImagePlugin

from services.resize.pictures.defects import Defect, Repaired, Truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBBBBB")
"""IHDR: width, height, bits a sample, colour type, compression, filter, interlace."""

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel by colour type."""

PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Adam7's passes: first column and row, steps of columns and rows."""

TOO_LONG = dict.fromkeys((b"tEXt", b"zTXt", b"iTXt"), Defect.OVERSIZED_TEXT) | {
    b"iCCP": Defect.OVERSIZED_PROFILE
}
"""Chunks of which Pillow raises ValueError if they are too long."""

ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})

MAX_PROFILE = 8_000_000
"""Bytes: libpng's own limit of a chunk. Pillow's is a megabyte."""

BLOCK = 64 * 1024
"""Bytes that are unpacked at once."""

NO_ROWS = "all of its rows are missing"


class Chunk(NamedTuple):
    """A chunk. ``at`` is the offset of its content, which ends early if the file does."""

    name: bytes
    at: int
    content: bytes
    has_checksum: bool
    is_whole: bool

    def written(self) -> bytes:
        """The chunk as bytes; a critical one with a wrong checksum stays wrong."""
        checksum = zlib.crc32(self.name + self.content) ^ (not self.has_checksum)
        return struct.pack(">I", len(self.content)) + self.name + self.content + _u32(checksum)


class Readable(NamedTuple):
    """The chunks that Pillow can read, why others cannot be read, and a long colour profile."""

    chunks: Sequence[Chunk]
    defects: set[Defect]
    profile: bytes | None


def repair(original: bytes) -> Repaired | None:
    """The PNG without ancillary chunks that Pillow cannot read, and with valid checksums.

    Other critical chunks than the pixels stay as they are, so that Pillow finds damage in them.
    Returns None for damage that cannot be repaired; raises Truncated if pixels are missing.
    """
    found = list(chunks(original))
    has_end = bool(found) and found[-1].name == b"IEND"
    is_cut = not has_end and len(original) < _end(found) + 12
    pixels = [chunk for chunk in found if chunk.name == b"IDAT"]
    if not pixels or found[0].name != b"IHDR":
        if is_cut:
            raise Truncated(NO_ROWS)
        return None
    readable = _readable(original, [c for c in found if c.name not in {b"IDAT", b"IEND"}])
    defects = readable.defects
    packed = _repaired_pixels(b"".join(c.content for c in pixels), found[0].content, is_cut=is_cut)
    if packed is None:
        return None
    if packed.has_bad_checksum or not all(c.has_checksum for c in pixels if c.is_whole):
        defects.add(Defect.BAD_CHECKSUM)
    if not has_end:
        defects.add(Defect.MISSING_END_MARKER)
    first = pixels[0].at
    parts = (
        SIGNATURE,
        *(chunk.written() for chunk in readable.chunks if chunk.at < first),
        Chunk(b"IDAT", 0, packed.stream, has_checksum=True, is_whole=True).written(),
        *(chunk.written() for chunk in readable.chunks if chunk.at > first),
        Chunk(b"IEND", 0, b"", has_checksum=True, is_whole=True).written(),
    )
    return Repaired(b"".join(parts), frozenset(defects), readable.profile) if defects else None


def chunks(original: bytes) -> Iterator[Chunk]:
    """The chunks up to the end, or up to bytes that are not a chunk."""
    at = len(SIGNATURE)
    while at + 8 <= len(original):
        name, length = original[at + 4 : at + 8], int.from_bytes(original[at : at + 4])
        if not name.isalpha():
            return
        end = at + 8 + length
        content = original[at + 8 : end]
        checksum = original[end : end + 4]
        has_checksum = checksum == _u32(zlib.crc32(name + content))
        yield Chunk(name, at + 8, content, has_checksum, len(checksum) == 4)  # noqa: PLR2004
        if name == b"IEND" or len(checksum) < 4:  # noqa: PLR2004 - bytes of a checksum
            return
        at = end + 4


def _end(found: Sequence[Chunk]) -> int:
    """The offset after the last chunk, with its checksum."""
    return found[-1].at + len(found[-1].content) + 4 if found else len(SIGNATURE)


def _readable(original: bytes, found: Sequence[Chunk]) -> Readable:
    """Let Pillow read each chunk, to leave out those that it cannot read."""
    stream = PngImagePlugin.PngStream(io.BytesIO(original))
    good: list[Chunk] = []
    defects: set[Defect] = set()
    profile = None
    for chunk in found:
        defect = _defect(stream, chunk)
        if defect is None:
            good.append(chunk)
            continue
        if defect is Defect.OVERSIZED_PROFILE:
            profile = profile or _profile(chunk.content)
        if chunk.is_whole:  # otherwise the missing end marker says it
            defects.add(defect)
    if Defect.DAMAGED_ANIMATION in defects:
        good = [chunk for chunk in good if chunk.name not in ANIMATION]
    return Readable(good, defects, profile)


def _defect(stream: PngImagePlugin.PngStream, chunk: Chunk) -> Defect | None:
    """What prevents Pillow from reading the chunk. Damage in a critical chunk is no mere defect."""
    error = _error(stream, chunk)
    if chunk.name[:1].isupper():
        return None
    if chunk.name in ANIMATION and (error or not chunk.has_checksum):
        return Defect.DAMAGED_ANIMATION
    if not chunk.has_checksum:
        return Defect.BAD_CHECKSUM
    if isinstance(error, ValueError) and chunk.name in TOO_LONG:
        return TOO_LONG[chunk.name]
    return Defect.DAMAGED_METADATA if error else None


def _error(stream: PngImagePlugin.PngStream, chunk: Chunk) -> Exception | None:
    """Why Pillow cannot read the chunk."""
    assert stream.fp is not None
    stream.fp.seek(chunk.at)
    try:
        stream.call(chunk.name, chunk.at, len(chunk.content))
    except (EOFError, AttributeError):
        return None  # the pixels of a frame, or a chunk that Pillow ignores
    except Exception as error:  # noqa: BLE001 - malicious bytes can cause any exception
        return error
    return None


def _profile(content: bytes) -> bytes | None:
    """The colour profile of an iCCP chunk, or None if it is too long."""
    _, _, packed = content.partition(b"\0")
    unpacker = zlib.decompressobj()
    profile = unpacker.decompress(packed[1:], MAX_PROFILE)
    return profile if unpacker.eof else None


class Pixels(NamedTuple):
    """A compressed picture with a valid end, and whether its checksum was wrong."""

    stream: bytes
    has_bad_checksum: bool


def _repaired_pixels(stream: bytes, header: bytes, *, is_cut: bool) -> Pixels | None:
    """The compressed pixels with a valid end and checksum.

    Raises Truncated if rows are missing at the end of the file, zlib.error for damage within the
    stream.
    """
    width, height, bits, colour, _, _, interlace = HEADER.unpack(header[: HEADER.size])
    pixel = bits * SAMPLES[colour]
    needed = _length(width, height, pixel, interlace=bool(interlace))
    unpacker, count, checksum = zlib.decompressobj(-zlib.MAX_WBITS), 0, 1
    for block in _unpacked(unpacker, stream[2:]):
        count += len(block)
        checksum = zlib.adler32(block, checksum)
        if count > needed + BLOCK:
            break
    if count < needed:
        if not is_cut:
            return None
        if interlace:
            raise Truncated.of(needed - count, needed, "picture")
        raise Truncated.of(height - count * height // needed, height, "rows")
    if unpacker.eof:
        end = len(stream) - len(unpacker.unused_data)
        stored = stream[end : end + 4]
        is_wrong = len(stored) == 4 and stored != _u32(checksum)  # noqa: PLR2004 - its bytes
        return Pixels(stream[:end] + _u32(checksum), is_wrong)
    return Pixels(_packed_again(stream[2:], needed), has_bad_checksum=False)


def _unpacked(unpacker: "zlib._Decompress", stream: bytes) -> Iterator[bytes]:
    """The unpacked stream in blocks. After the last one, ``unused_data`` has the rest of it."""
    for at in range(0, len(stream), BLOCK):
        packed = stream[at : at + BLOCK]
        while packed and not unpacker.eof:
            yield unpacker.decompress(packed, 16 * BLOCK)
            packed = unpacker.unconsumed_tail
        if unpacker.eof:
            return


def _packed_again(stream: bytes, needed: int) -> bytes:
    """The needed bytes of a stream without an end, compressed with one."""
    packer, rest, parts = zlib.compressobj(1), needed, []
    for block in _unpacked(zlib.decompressobj(-zlib.MAX_WBITS), stream):
        parts.append(packer.compress(block[:rest]))
        rest -= len(block)
        if rest <= 0:
            break
    return b"".join((*parts, packer.flush()))


def _length(width: int, height: int, pixel: int, *, interlace: bool) -> int:
    """Bytes of all rows, each with its filter byte; ``pixel`` is bits a pixel."""
    passes = PASSES if interlace else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * pixel + 7) // 8)
    return total


def _u32(value: int) -> bytes:
    return struct.pack(">I", value)
