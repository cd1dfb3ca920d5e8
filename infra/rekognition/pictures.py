"""Decodes pictures as Rekognition does: JPEG or PNG, within its limits, upright."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from infra.rekognition.errors import Code, RekognitionError

# Rekognition's quotas: https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
MAX_BYTES: Final = 5 * 1024 * 1024
MAX_OBJECT_BYTES: Final = 15 * 1024 * 1024
MIN_SIDE: Final = 80
MAX_SIDE: Final = 10_000

# What Pillow's decoders raise for damaged files, besides UnidentifiedImageError.
DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError)


def open_picture(
    content: bytes, *, side: int, least: int = MIN_SIDE, most: int = MAX_SIDE
) -> Image.Image:
    """Decode a picture to upright RGB.

    A large JPEG is decoded at a fraction of its size, with no side below `side` pixels. Responses
    give boxes as ratios, so that the decoded size does not change them. A JPEG is rotated by its
    Exif orientation, and boxes refer to the rotated picture. Rekognition ignores the Exif of a PNG:
    https://docs.aws.amazon.com/rekognition/latest/dg/image-orientation.html
    `least` and `most` limit the picture's sides, in pixels; the defaults are Rekognition's.
    Raises RekognitionError for a picture that Rekognition would refuse.
    """
    file = _identify(content)
    _check_sides(file.size, least, most)
    file.draft(None, (side, side))
    try:
        upright = ImageOps.exif_transpose(file) if file.format == "JPEG" else file
        return _flatten(upright)
    except DECODING_ERRORS as error:
        raise _not_a_picture("it is damaged") from error


def check_bytes(size: int, limit: int) -> None:
    """Refuse an image with more bytes than the limit. Raises RekognitionError."""
    if size > limit:
        message = f"the image has {size} bytes; at most {limit} are permitted"
        raise RekognitionError(Code.IMAGE_TOO_LARGE, message)


def _identify(content: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(BytesIO(content), formats=("JPEG", "PNG"))
    except UnidentifiedImageError as error:
        raise _not_a_picture("it is neither JPEG nor PNG") from error
    except Image.DecompressionBombError as error:
        raise RekognitionError(Code.IMAGE_TOO_LARGE, str(error)) from error
    except DECODING_ERRORS as error:
        raise _not_a_picture("it is damaged") from error


def _check_sides(size: tuple[int, int], least: int, most: int) -> None:
    width, height = size
    if max(size) > most:
        message = f"the image is {width}x{height} pixels; a side may have at most {most}"
        raise RekognitionError(Code.IMAGE_TOO_LARGE, message)
    if min(size) < least:
        message = f"the image is {width}x{height} pixels; a side must have at least {least}"
        raise RekognitionError(Code.INVALID_PARAMETER, message)


def _flatten(picture: Image.Image) -> Image.Image:
    """Convert to RGB: 16-bit grey to 8 bits, transparent pixels on white."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _not_a_picture(reason: str) -> RekognitionError:
    return RekognitionError(Code.INVALID_IMAGE_FORMAT, f"the image cannot be read: {reason}")
