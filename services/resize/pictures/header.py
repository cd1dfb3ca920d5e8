"""Identifies an original by its first bytes, and checks its header against the limits."""

import io
import re
from collections.abc import Callable, Mapping

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

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


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    return load_heic()(file)


OPENERS: Mapping[str, Opener] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # the first picture of an MPO
    "PNG": Png,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": Tiff,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIC": _open_heic,
}
"""Functions that read a header and decode nothing. They are called directly, because
``Image.open`` would also try other formats than the identified one."""

BYTES_A_PIXEL: Mapping[str, int] = {
    "JPEG": 12,  # 8 of it for progressive CMYK, whose coefficients stay in memory
    "PNG": 14,  # with a palette that has a transparent colour
    "WEBP": 22,  # its decoder holds two more canvases
    "GIF": 13,
    "TIFF": 12,
    "BMP": 12,
    "AVIF": 20,  # 16 measured at 8 bits; deeper ones have two bytes a sample
    "HEIC": 20,
}
"""Peak memory of decoding and the first reduction, in the mode that needs most: the growth of the
peak resident size during one ``develop`` of 24 and 48 MP in a new process, divided by the pixels,
with Pillow 13.0 and pillow-heif 1.8. Usually the mode with transparency needs most."""

SIGNATURES: Mapping[str, re.Pattern[bytes]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "BMP": re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "AVIF": re.compile(rb"....ftypavi[fs]|....ftypm[is]f1.{4}(?:....){0,8}avi[fs]", re.DOTALL),
    "HEIC": re.compile(rb"....ftyp(?:he[iv][cxms]|m[is]f1)", re.DOTALL),
    "Photoshop": re.compile(rb"8BPS"),
    "ICO": re.compile(rb"\0\0[\1\2]\0"),
    "JPEG 2000": re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  "),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "SVG": re.compile(
        rb"(?:\xef\xbb\xbf)?\s*<(?:svg|(?:\?xml|!DOCTYPE svg|!--).{0,1000}<svg)", re.DOTALL
    ),
}
"""Signatures in the order of the tests: supported formats first, then unsupported ones."""

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
    limit = min(limits.pixels, limits.memory // BYTES_A_PIXEL[kind])
    try:
        picture = OPENERS[kind](io.BytesIO(original))
    except Image.DecompressionBombError as error:
        raise refuse(Refusal.TOO_MANY_PIXELS, format=kind, limit=limit) from error
    size = Size(*picture.size)
    if size.pixels > limit:
        raise refuse(
            Refusal.TOO_MANY_PIXELS, format=kind, limit=limit, width=size.width, height=size.height
        )
    if _is_raw(picture):
        raise refuse(Refusal.UNSUPPORTED_FORMAT, format="a camera's raw file")
    return picture


def peak_bytes(kind: str, size: Size) -> int:
    """The peak memory of decoding and the first reduction, in bytes."""
    return size.pixels * BYTES_A_PIXEL[kind]


def _is_raw(picture: ImageFile.ImageFile) -> bool:
    tag, reduced = REDUCED_IMAGE
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return False
    return bool(picture.tag_v2.get(tag, 0) & reduced)
