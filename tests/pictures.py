"""Generates pictures for tests; none is a copied file."""

import io
import random
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pillow_heif
from PIL import Image, ImageChops, ImageDraw, ImageStat

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)
"""The colours of ``corners()``: top left, top right, bottom left, bottom right."""

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80">'
    b'<rect width="60" height="40" fill="red" transform="rotate(9)"/></svg>'
)

AS_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""The transposition of the stored picture for each of EXIF's eight orientations."""

D50 = (0.9642, 1.0, 0.8249)
"""The white point of ICC's connection space."""

SRGB_COLUMNS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""Full red, green and blue of sRGB in XYZ, adapted to D50."""


def photo(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with gradients, hard edges and some noise, like a photo."""
    draw_with = random.Random(seed)
    size = (width, height)
    light = Image.linear_gradient("L").resize(size)
    side = Image.linear_gradient("L").rotate(90).resize(size)
    picture = Image.merge("RGB", (light, side, Image.radial_gradient("L").resize(size)))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = draw_with.randrange(width), draw_with.randrange(height)
        colour = tuple(draw_with.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + width // 9, y + height // 7), fill=colour)
    return Image.blend(picture, noise(width, height, seed), 0.06)


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """Random values, which are the hardest to compress."""
    return Image.frombytes(
        "RGB", (width, height), random.Random(seed).randbytes(width * height * 3)
    )


def corners(width: int = 120, height: int = 80) -> Image.Image:
    """Four quarters in the colours of ``CORNERS``, which show any rotation or mirroring."""
    picture = Image.new("RGB", (width, height))
    for index, colour in enumerate(CORNERS):
        x, y = index % 2 * width // 2, index // 2 * height // 2
        picture.paste(colour, (x, y, x + width // 2, y + height // 2))
    return picture


def hole(width: int = 120, height: int = 80) -> Image.Image:
    """A red picture whose left half is transparent."""
    picture = Image.new("RGBA", (width, height), (*RED, 255))
    picture.paste((*RED, 0), (0, 0, width // 2, height))
    return picture


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The picture as a file of this format, including HEIC."""
    file = io.BytesIO()
    if form == "HEIC":
        pillow_heif.from_pillow(picture).save(file, **options)
    else:
        picture.save(file, form, **options)
    return file.getvalue()


def opened(body: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def exif(
    *,
    orientation: int | None = None,
    make: str | None = None,
    model: str | None = None,
    at: str | None = None,
    offset: str | None = None,
    located: bool = False,
) -> bytes:
    """An EXIF block with these values; ``located`` adds a position in Berlin."""
    block = Image.Exif()
    for tag, value in ((0x0112, orientation), (0x010F, make), (0x0110, model)):
        if value is not None:
            block[tag] = value
    inner = {tag: value for tag, value in ((0x9003, at), (0x9011, offset)) if value is not None}
    if inner:
        block.get_ifd(0x8769).update(inner)
    if located:
        block.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return block.tobytes()


def exif_of(
    main: Mapping[int, Any], photo: Mapping[int, Any] = {}, position: Mapping[int, Any] = {}
) -> bytes:
    """An EXIF block with these tags in the directories of picture, photo and position."""
    block = Image.Exif()
    block.update(main)
    for directory, tags in ((0x8769, photo), (0x8825, position)):
        if tags:
            block.get_ifd(directory).update(tags)
    return block.tobytes()


def exif_bomb(size: int) -> bytes:
    """An EXIF block whose three directories have 120 lists of fractions, all in the same bytes."""
    tags, start = range(0xC000, 0xC000 + 38), 8 + 3 * BOMB_DIRECTORY
    lists = [(tag, 5, size // 8, start) for tag in tags]
    pointers = [(0x8769, 4, 1, 8 + BOMB_DIRECTORY), (0x8825, 4, 1, 8 + 2 * BOMB_DIRECTORY)]
    directories = exif_directory([*pointers, *lists]) * 3
    return struct.pack("<2sHI", b"II", 42, 8) + directories + struct.pack("<I", 1) * (size // 4)


BOMB_DIRECTORY = 2 + 40 * 12 + 4
"""Bytes of a directory of 40 entries."""


def exif_directory(entries: Iterable[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A little-endian directory of entries: tag, type, number of values, value or offset."""
    packed = [struct.pack("<HHII", *entry) for entry in entries]
    return struct.pack("<H", len(packed)) + b"".join(packed) + struct.pack("<I", following)


def turned_by_boxes(form: str, angle: int | None, axis: int | None) -> bytes:
    """``corners()`` as AVIF or HEIC with an irot box, in quarters of a turn, and an imir box."""
    boxes = {b"irot": angle, b"imir": axis}
    orientation = {(True, True): 5, (True, False): 6, (False, True): 2, (False, False): 1}[
        angle is not None, axis is not None
    ]
    body = bytearray(encoded(corners(), form, exif=exif(orientation=orientation)))
    for name, value in boxes.items():
        assert (name in body) == (value is not None)
        if value is not None:
            body[body.index(name) + 4] = value
    return bytes(body)


def png(width: int, height: int, depth: int, colour_type: int, rows: Iterable[bytes]) -> bytes:
    """A PNG of any depth and colour type; Pillow cannot write 16-bit RGB."""
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return png_of(width, height, depth, colour_type, pixels)


def png_of(width: int, height: int, depth: int, colour_type: int, pixels: bytes) -> bytes:
    """A PNG from compressed pixels, with the filter byte before each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, body) for name, body in chunks)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def zeros(count: int) -> bytes:
    """Compressed zero bytes: a compressed megabyte is repeated, which is fast."""
    whole, rest = divmod(count, MEGABYTE)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    megabyte = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(bytes(rest)) + packer.flush()
    adler = count % 65_521 << 16 | 1  # for zeros, the second sum counts them and the first is one
    return b"\x78\x9c" + megabyte * whole + end + struct.pack(">I", adler)


MEGABYTE = 1024**2


def rgb_profile(columns: Sequence[Sequence[float]] = SRGB_COLUMNS, gamma: float = 2.2) -> bytes:
    """An ICC profile by matrix and gamma; ``columns`` are XYZ of full red, green and blue."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = [(b"wtpt", _xyz(D50))]
    tags += [(name, _xyz(c)) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", b"XYZ ", tags)


def swapped_profile() -> bytes:
    """A profile that swaps red and green, so that its use is visible."""
    red, green, blue = SRGB_COLUMNS
    return rgb_profile((green, red, blue))


def grey_profile(gamma: float) -> bytes:
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    return _profile(b"GRAY", b"XYZ ", [(b"wtpt", _xyz(D50)), (b"kTRC", curve)])


def all_blue_ink_profile() -> bytes:
    """A CMYK profile of a press whose cyan, magenta and yellow inks are all blue."""
    # of each two corners of the CMYK cube, the second has black ink
    nodes = lab(100, 0, 0) + lab(0, 0, 0) + (lab(31, 80, -108) + lab(0, 0, 0)) * 7
    return table_profile(b"CMYK", nodes)


def lab(light: float, a: int, b: int) -> bytes:
    """CIELAB in ICC's encoding of 8 bits."""
    return bytes((round(light * 2.55), a + 128, b + 128))


def table_profile(space: bytes, perceptual: bytes, colorimetric: bytes = b"") -> bytes:
    """An ICC profile by tables; each has the colours of the corners of the cube, as ``lab``."""
    tags = [(b"wtpt", _xyz(D50)), (b"A2B0", _table(len(space.strip()), perceptual))]
    if colorimetric:
        tags.append((b"A2B1", _table(len(space.strip()), colorimetric)))
    return _profile(space, b"Lab ", tags)


def _table(inputs: int, nodes: bytes) -> bytes:
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    head = b"mft1\0\0\0\0" + bytes((inputs, 3, 2, 0)) + identity
    return head + ramp * inputs + nodes + ramp * 3


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(space: bytes, connection: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """ICC's container: a header of 128 bytes, the table of tags, the tags at multiples of four."""
    body, table, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(
        ">I4xI4s4s4s12x4s", start + len(body), 0x02400000, kind, space, connection, b"acsp"
    )
    header = header.ljust(68, b"\0") + _xyz(D50)[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def unlikeness(one: Image.Image, other: Image.Image) -> float:
    """The largest mean difference of a channel, from 0 to 255, compared as RGB."""
    assert one.size == other.size
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return max(ImageStat.Stat(difference).mean)


def close(one: Sequence[int], other: Sequence[int], by: int = 12) -> bool:
    """Whether two colours differ by at most ``by`` in each channel."""
    return len(one) == len(other) and all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def tiff(
    samples: bytes,
    bits: Sequence[int],
    photometric: int,
    *,
    extra: Sequence[int] = (),
    order: str = "<",
    size: tuple[int, int] = (120, 80),
    tags: Mapping[int, Sequence[int]] | None = None,
    profile: bytes = b"",
) -> bytes:
    """A TIFF of one strip; Pillow cannot write most kinds. ``samples`` are stored as they are."""
    values = {256: [size[0]], 257: [size[1]], 258: bits, 259: [1], 262: [photometric], 273: [8]}
    values |= {277: [len(bits)], 278: [size[1]], 279: [len(samples)]}
    values |= ({338: extra} if extra else {}) | dict(tags or {})
    samples += b"\0" * (len(samples) % 2)
    at = 8 + len(samples)
    entries, lists = b"", b""
    lists_at = at + 2 + 12 * (len(values) + bool(profile)) + 4
    for tag, numbers in sorted(values.items()):
        packed = struct.pack(f"{order}{len(numbers)}L", *numbers)
        where = packed if len(numbers) == 1 else struct.pack(f"{order}L", lists_at + len(lists))
        entries += struct.pack(f"{order}HHL", tag, 4, len(numbers)) + where
        lists += b"" if len(numbers) == 1 else packed
    if profile:
        entries += struct.pack(f"{order}HHLL", 34675, 7, len(profile), lists_at + len(lists))
        lists += profile
    count = struct.pack(f"{order}H", len(values) + bool(profile))
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HL", 42, at)
    return header + samples + count + entries + bytes(4) + lists
