"""Creates the pictures of all renditions from one picture."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image

from services.resize.pictures.attention import attention
from services.resize.pictures.geometry import crop_box, filling
from services.resize.pictures.scale import resize
from services.resize.pictures.values import Fill, FocalPoint, Size, Spec
from services.resize.pictures.watermark import watermarked


class Shape(NamedTuple):
    """``shown`` is the picture of a rendition: cropped and marked. ``whole`` is neither."""

    spec: Spec
    whole: Image.Image
    shown: Image.Image


def shapes(
    image: Image.Image, full_size: Size, specs: Sequence[Spec], focal: FocalPoint | None
) -> Iterator[Shape]:
    """The picture for each spec, the largest first.

    Each is made from the next larger picture, of which no part is cut off. ``full_size`` is the
    size of the upright original.
    """
    sizes = {spec: filling(full_size, spec) for spec in specs}
    for spec in sorted(specs, key=lambda spec: -sizes[spec].pixels):
        image = resize(image, sizes[spec])
        shown = image
        if spec.fill is Fill.COVER:
            focal = focal or attention(image)
            shown = image.crop(crop_box(sizes[spec], spec, focal))
        yield Shape(spec, image, watermarked(shown, spec.watermark))
