"""Chromium and this project turn the same pictures to the same side."""

import base64

import pytest

from tests.pictures import CORNERS, close, corners, encoded, exif, turned_by_boxes
from tests.unit.resize.test_logic_orientation import IN_CHROMIUM

CORNERS_SHOWN = """async (file) => {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    const picture = new Image();
    picture.src = URL.createObjectURL(new Blob([bytes]));
    await picture.decode();
    const { naturalWidth: width, naturalHeight: height } = picture;
    const canvas = new OffscreenCanvas(width, height)
        .getContext("2d", { willReadFrequently: true });
    canvas.drawImage(picture, 0, 0);
    const colour = (x, y) => [...canvas.getImageData(x, y, 1, 1).data.slice(0, 3)];
    return [9, height - 9].flatMap((y) => [9, width - 9].map((x) => colour(x, y)));
}"""

BY_EXIF = ["RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"]
"""The corners of ``corners()`` with EXIF orientation 1 to 8."""


@pytest.fixture
def shown(visit):
    """``shown(original)``: the initials of the corners' colours in Chromium."""

    def run(original):
        colours = visit.page.evaluate(CORNERS_SHOWN, base64.b64encode(original).decode())
        return "".join(map(initial, colours))

    return run


def initial(colour):
    return next(n for n, one in zip("RGBW", CORNERS, strict=True) if close(colour, one, 40))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_chromium_turns_by_exif(form, shown):
    files = [encoded(corners(), form, exif=exif(orientation=n)) for n in range(1, 9)]
    assert [shown(file) for file in files] == BY_EXIF


def test_chromium_ignores_the_exif_orientation_of_webp(shown):
    """This project obeys it, like libvips and Safari."""
    assert shown(encoded(corners(), "WEBP", exif=exif(orientation=6))) == "RGBW"


def test_chromium_turns_an_avif_by_its_boxes(shown):
    assert {boxes: shown(turned_by_boxes("AVIF", *boxes)) for boxes in IN_CHROMIUM} == IN_CHROMIUM
