"""What an original is, by its first bytes, and whether its header may be decoded at all."""

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
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import Limits, Size

Opener = Callable[[io.BytesIO], ImageFile.ImageFile]


def load_heic() -> Opener:
    """HEIC's opener. Called before a fork, so that no child has to import it for itself."""
    import pillow_heif  # noqa: PLC0415 - 25 ms of a cold start that only HEIC should pay

    opener: Opener = pillow_heif.HeifImageFile
    return opener


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    return load_heic()(file)


OPENERS: Mapping[str, Opener] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # of a multi-picture file (MPO) the first, as viewers do
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIC": _open_heic,
}
"""Each reads a header and decodes nothing. Called directly, not through ``Image.open``, which would
try further formats than the one that the content shows."""

BYTES_A_PIXEL: Mapping[str, int] = {
    "JPEG": 12,  # 8 of it for progressive CMYK, whose coefficients are all kept until the end
    "PNG": 14,  # with a palette of which one colour is transparent
    "WEBP": 22,  # its decoder holds two canvases beside the picture
    "GIF": 13,
    "TIFF": 12,
    "BMP": 12,
    "AVIF": 20,  # 16 of it measured at 8 bits; deeper ones hold two bytes a sample
    "HEIC": 20,
}
"""The peak that decoding and the first shrink add to a process, by its dearest mode: the growth of
the largest resident size over one ``develop`` of 24 and 48 MP in a fresh process, divided by the
pixels, with Pillow 13.0 and pillow-heif 1.8. Most often the dearest mode has transparency."""

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
"""In the order tried: the formats taken, then those that are pictures but not taken."""

REDUCED_IMAGE = 254, 1
"""TIFF's NewSubfileType and its bit for "a smaller version of another image in this file": the
first page of a camera's raw file. Renditions of that would be of a thumbnail, unnoticed."""


def identify(original: bytes, limit: int) -> str:
    """The format by content. Refuses what is empty, too long, no picture, or not supported."""
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
    """The picture with its header read and nothing decoded; refuses one of too many pixels.

    Raises whatever Pillow does when the header is damaged.
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


def cost(kind: str, size: Size) -> int:
    """Bytes that decoding and the first shrink may take at most."""
    return size.pixels * BYTES_A_PIXEL[kind]


def _is_raw(picture: ImageFile.ImageFile) -> bool:
    tag, reduced = REDUCED_IMAGE
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return False
    return bool(picture.tag_v2.get(tag, 0) & reduced)
