"""Pictures as Rekognition takes them: JPEG or PNG, within its limits, seen the right way up."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from infra.rekognition.errors import Code, RekognitionError

# Rekognition's quotas: https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
MAX_BYTES: Final = 5 * 1024 * 1024
MAX_OBJECT_BYTES: Final = 15 * 1024 * 1024
MIN_SIDE: Final = 80
MAX_SIDE: Final = 10_000

# What Pillow's decoders raise at damaged files, besides its own UnidentifiedImageError.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError)


def open_picture(
    content: bytes, *, side: int, least: int = MIN_SIDE, most: int = MAX_SIDE
) -> Image.Image:
    """Decode to upright RGB; a large JPEG at a fraction of its size, no side below `side` pixels.

    Boxes are given as ratios, so the size it is decoded at does not show in an answer. A JPEG is
    turned as its Exif says, and boxes are those in the turned picture; of a PNG Rekognition reads
    no Exif: https://docs.aws.amazon.com/rekognition/latest/dg/image-orientation.html
    Raises RekognitionError for what Rekognition would not take; another service's limits of a
    picture's sides, in pixels, are `least` and `most`.
    """
    file = _identify(content)
    _check_sides(file.size, least, most)
    file.draft(None, (side, side))
    try:
        upright = ImageOps.exif_transpose(file) if file.format == "JPEG" else file
        return _flatten(upright)
    except DAMAGED as error:
        raise _not_a_picture("it is damaged") from error


def check_bytes(size: int, limit: int) -> None:
    """Refuse more bytes than the limit."""
    if size > limit:
        message = f"the image has {size} bytes; at most {limit} are taken this way"
        raise RekognitionError(Code.IMAGE_TOO_LARGE, message)


def _identify(content: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(BytesIO(content), formats=("JPEG", "PNG"))
    except UnidentifiedImageError as error:
        raise _not_a_picture("it is neither JPEG nor PNG") from error
    except Image.DecompressionBombError as error:
        raise RekognitionError(Code.IMAGE_TOO_LARGE, str(error)) from error
    except DAMAGED as error:
        raise _not_a_picture("it is damaged") from error


def _check_sides(size: tuple[int, int], least: int, most: int) -> None:
    width, height = size
    if max(size) > most:
        message = f"the image is {width}x{height} pixels; a side may have {most}"
        raise RekognitionError(Code.IMAGE_TOO_LARGE, message)
    if min(size) < least:
        message = f"the image is {width}x{height} pixels; a side must have {least}"
        raise RekognitionError(Code.INVALID_PARAMETER, message)


def _flatten(picture: Image.Image) -> Image.Image:
    """RGB: 16-bit grey brought down to 8, what is transparent laid on white."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _not_a_picture(reason: str) -> RekognitionError:
    return RekognitionError(Code.INVALID_IMAGE_FORMAT, f"the image cannot be read: {reason}")
