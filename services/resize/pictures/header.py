"""Identifies an original by its first bytes, and checks its header against the limits."""

import io
import re
import struct
from collections.abc import Callable, Mapping

from PIL import (
    GifImagePlugin,
    Image,
    ImageFile,
    TiffImagePlugin,
    WebPImagePlugin,
)

from services.resize.pictures.bmp import Bmp
from services.resize.pictures.files import AvifFile, JpegFile
from services.resize.pictures.png import Png
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.tiff import Tiff
from services.resize.pictures.values import Limits, Size

Opener = Callable[[io.BytesIO], ImageFile.ImageFile]


def load_heic() -> Opener:
    """HEIC's opener. It is loaded before a fork, because a child must not import modules."""
    import pillow_heif  # noqa: PLC0415 - saves 25 ms of a cold start without HEIC

    opener: Opener = pillow_heif.HeifImageFile
    return opener


def load_svg() -> Opener:
    """SVG's opener, loaded like HEIC's."""
    from services.resize.pictures.svg import open_svg  # noqa: PLC0415

    return open_svg


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    return load_heic()(file)


def _open_svg(file: io.BytesIO) -> ImageFile.ImageFile:
    return load_svg()(file)


OPENERS: Mapping[str, Opener] = {
    "JPEG": JpegFile,  # the first picture of an MPO
    "PNG": Png,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": Tiff,
    "BMP": Bmp,
    "AVIF": AvifFile,
    "HEIC": _open_heic,
    "SVG": _open_svg,  # renders to a PNG, because resvg does not only read the size
}
"""Functions that read a header and decode nothing, SVG's apart. They are called directly, because
``Image.open`` would also try other formats than the identified one."""

BYTES_A_PIXEL: Mapping[str, int] = {
    "JPEG": 12,  # 8 of it for progressive CMYK, whose coefficients stay in memory
    "PNG": 14,  # with a palette that has a transparent colour
    "WEBP": 22,  # its decoder holds two more canvases
    "GIF": 13,
    "TIFF": 12,
    "BMP": 12,
    "AVIF": 20,  # 16 measured at 8 bits; deeper ones have two bytes a sample
    "HEIC": 20,  # with 10 bits, transparency and full resolution of colour
    "SVG": 20,  # 11 measured with resvg 0.48; each nested group with an opacity adds 4
}
"""Peak memory of decoding and the first reduction, in the mode that needs most: the growth of the
peak resident size during one ``develop`` of 24 and 48 MP in a new process, divided by the pixels,
with Pillow 13.0 and pillow-heif 1.8. Usually the mode with transparency needs most."""

CHEAPER: Mapping[tuple[str, str], int] = {
    ("JPEG", "L"): 10,
    ("JPEG", "RGB"): 10,  # progressive, decoded at full size; 7.3 if it is not progressive
    ("WEBP", "RGB"): 16,
    ("HEIC", "L"): 9,
    ("HEIC", "RGB"): 9,  # 8.5 with full resolution of colour, 7.0 with half, like phones' pictures
    ("HEIC", "RGBA"): 12,
    ("HEIC", "RGB;16"): 15,
}
"""The same for modes that need less, by format and mode, measured at 24, 48, 63 (HEIC) and 108 MP
(JPEG). ``;16`` means more than 8 bits a sample."""

SIGNATURES: Mapping[str, re.Pattern[bytes]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "BMP": re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "AVIF": re.compile(rb"....ftypavi[fs]|....ftypm[is]f1.{4}(?:....){0,8}avi[fs]", re.DOTALL),
    "HEIC": re.compile(rb"....ftyp(?:he[iv][cxms]|m[is]f1)", re.DOTALL),
    "HEIF with another codec": re.compile(
        rb"....ftyp(?:avci|avcs|jpeg|jpgs|j2ki|j2is|vvic|vvis|evbi|evbs|unif)", re.DOTALL
    ),
    "Photoshop": re.compile(rb"8BPS"),
    "ICO": re.compile(rb"\0\0[\1\2]\0"),
    "JPEG 2000": re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  "),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "SVG": re.compile(
        rb"(?:\xef\xbb\xbf)?\s*<(?:svg|(?:\?xml|!DOCTYPE svg|!--).{0,1000}<svg)", re.DOTALL
    ),
}
"""Signatures in the order of the tests: supported formats first, then unsupported ones."""

BOXES = frozenset({"AVIF", "HEIC"})
SIZE_BOX = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
SIZES = struct.Struct(">II")
"""The size of an item in a HEIC or AVIF: width and height."""

REDUCED_IMAGE = 254, 1
"""TIFF's NewSubfileType and its bit for "a smaller version of another image in this file". It marks
the first page of a camera's raw file, which is only a thumbnail."""


def identify(original: bytes, limit: int) -> str:
    """The format, by content. Raises PermanentError for an empty, too large or unsupported file."""
    if not original:
        raise refuse(Refusal.EMPTY)
    if len(original) > limit:
        raise refuse(Refusal.TOO_MANY_BYTES, bytes=len(original), limit=limit)
    kind = next((kind for kind, mark in SIGNATURES.items() if mark.match(original)), None)
    if kind is None:
        raise refuse(Refusal.NOT_AN_IMAGE)
    if kind not in OPENERS:
        raise refuse(Refusal.UNSUPPORTED_FORMAT, format=kind)
    return kind


def open_header(kind: str, original: bytes, limits: Limits) -> ImageFile.ImageFile:
    """The picture with its header read and nothing decoded.

    Raises PermanentError for too many pixels and for raw files, and any error of Pillow for a
    damaged header.
    """
    try:
        picture = OPENERS[kind](io.BytesIO(original))
    except Image.DecompressionBombError as error:
        raise refuse(Refusal.TOO_MANY_PIXELS, format=kind, limit=limits.pixels) from error
    except Exception:
        _check_boxes(kind, original, limits)
        raise
    _check(kind, Size(*picture.size), min(limits.pixels, limits.memory // _cost(kind, picture)))
    if _is_raw(picture):
        raise refuse(Refusal.UNSUPPORTED_FORMAT, format="a camera's raw file")
    return picture


def peak_bytes(kind: str, picture: Image.Image) -> int:
    """The peak memory of decoding and the first reduction, in bytes."""
    return Size(*picture.size).pixels * _cost(kind, picture)


def _cost(kind: str, picture: Image.Image) -> int:
    """Bytes a pixel."""
    depth = ";16" if picture.info.get("bit_depth", 8) > 8 else ""  # noqa: PLR2004 - bits a sample
    return CHEAPER.get((kind, picture.mode + depth), BYTES_A_PIXEL[kind])


def _check(kind: str, size: Size, limit: int) -> None:
    if size.pixels > limit:
        raise refuse(
            Refusal.TOO_MANY_PIXELS, format=kind, limit=limit, width=size.width, height=size.height
        )


def _check_boxes(kind: str, original: bytes, limits: Limits) -> None:
    """Check the sizes in the boxes of a file that its decoder refuses to open.

    The decoder of AVIF has limits of its own, and calls pictures that exceed them invalid.
    """
    if kind in BOXES:
        sizes = [Size(*SIZES.unpack(box[1])) for box in SIZE_BOX.finditer(original)]
        largest = max(sizes, key=lambda size: size.pixels, default=Size(0, 0))
        _check(kind, largest, min(limits.pixels, limits.memory // BYTES_A_PIXEL[kind]))


def _is_raw(picture: ImageFile.ImageFile) -> bool:
    tag, reduced = REDUCED_IMAGE
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return False
    return bool(picture.tag_v2.get(tag, 0) & reduced)
