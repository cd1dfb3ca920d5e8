"""Pictures of every orientation become upright, in every format that has an orientation."""

import pytest
from PIL import Image

from services.resize.logic import Format
from tests.pictures import CORNERS, close, corners, encoded, exif, opened

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


def stored_by_camera(orientation, form):
    """``corners()`` as a camera in this orientation stores it."""
    turn = AS_STORED[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    if form == "TIFF":
        return encoded(stored, form, tiffinfo={0x0112: orientation})
    return encoded(stored, form, exif=exif(orientation=orientation))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", AS_STORED)
def test_all_eight_orientations_become_upright(orientation, form, developed):
    picture = developed(stored_by_camera(orientation, form))
    made = opened(picture.renditions[0].body).convert("RGB")
    assert (picture.width, picture.height, *made.size) == (120, 80, 64, 43)
    seen = [made.getpixel(place) for place in ((5, 5), (58, 5), (5, 37), (58, 37))]
    assert all(close(one, other, 30) for one, other in zip(seen, CORNERS, strict=True))


@pytest.mark.parametrize("orientation", AS_STORED)
def test_the_analysis_is_upright(orientation, developed):
    made = opened(developed(stored_by_camera(orientation, "JPEG")).analysis.body)
    assert made.size == (120, 80)
    assert close(made.getpixel((10, 10)), CORNERS[0], 30)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_invalid_orientation_is_upright(orientation, rendition):
    file = encoded(corners(), "JPEG", exif=exif(orientation=orientation))
    assert close(opened(rendition(file).body).getpixel((5, 5)), CORNERS[0], 30)


def test_transparency_is_rotated_with_its_picture(rendition):
    stored = corners().convert("RGBA").transpose(AS_STORED[6])
    stored.putpixel((0, 0), (0, 0, 0, 0))
    made = rendition(encoded(stored, "PNG", exif=exif(orientation=6)), 120, Format.PNG)
    assert opened(made.body).getpixel((119, 0))[3] == 0
