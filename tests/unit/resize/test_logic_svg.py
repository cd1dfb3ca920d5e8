"""SVG is rendered without scripts, external files and fonts, in a child process."""

import base64
import resource

import pytest
from PIL import Image

from services.resize.logic import Limits, Spec, develop
from shared.errors import PermanentError
from tests.pictures import encoded, opened

NAMESPACES = (
    b'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    b' xmlns:svg="http://www.w3.org/2000/svg"'
)
SQUARE = b'<rect width="50" height="50" fill="#c83c28"/>'
RED = (200, 60, 40, 255)


def svg(content=SQUARE, size=b'width="100" height="50"'):
    return b"<svg " + NAMESPACES + b" " + size + b">" + content + b"</svg>"


@pytest.fixture
def shown(rendition):
    """The rendition of an SVG with this content."""

    def run(content, size=b'width="100" height="50"'):
        return opened(rendition(svg(content, size), 100).body).convert("RGBA")

    return run


@pytest.fixture
def refused(developed):
    def run(original):
        with pytest.raises(PermanentError) as error:
            developed(original)
        return error.value

    return run


def test_an_svg_is_rendered_with_transparency(shown):
    picture = shown(SQUARE)
    assert picture.size == (100, 50)
    assert picture.getpixel((25, 25)) == RED
    assert picture.getpixel((75, 25))[3] == 0


def test_the_format_of_the_event_is_svg(developed):
    picture = developed(b'<?xml version="1.0"?>\n<!-- a logo -->\n' + svg())
    assert (picture.format, picture.width, picture.height) == ("SVG", 100, 50)


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        (b'width="96" height="1in"', (96, 96)),
        (b'width="25.4mm" height="2in"', (96, 192)),
        (b'viewBox="0 0 60 40"', (225, 150)),
        (b'width="100%" height="100%" viewBox="0 0 8 2"', (300, 75)),
        (b'width="30" viewBox="0 0 60 40"', (30, 20)),
    ],
)
def test_the_natural_size_is_in_css_pixels(size, pixels, developed):
    picture = developed(svg(size=size))
    assert (picture.width, picture.height) == pixels


def test_an_embedded_picture_is_shown(shown):
    data = base64.b64encode(encoded(Image.new("RGB", (9, 9), RED[:3]), "PNG"))
    content = b'<image width="50" height="50" href="data:image/png;base64,' + data + b'"/>'
    assert shown(content).getpixel((25, 25)) == RED


@pytest.mark.parametrize("address", ["{}", "file://{}", "../../../../../../../../..{}"])
def test_a_local_file_is_not_shown(address, shown, tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(Image.new("RGB", (9, 9), RED[:3]), "PNG"))
    link = address.format(path).encode()
    content = b'<image width="50" height="50" xlink:href="' + link + b'"/>'
    assert shown(content).getextrema()[3] == (0, 0)


def test_rendering_leaves_the_limit_of_open_files_as_it_is(developed):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    developed(svg())
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_a_script_does_nothing(shown):
    script = b"<script>document.querySelector('rect').remove()</script>"
    assert shown(SQUARE + script).getpixel((25, 25)) == RED


@pytest.mark.parametrize(
    "content",
    [
        b"<text>Hello</text>",
        b"<svg:text y='9'>Hello</svg:text>",
        b"<foreignObject ><p/></foreignObject>",
    ],
)
def test_an_svg_with_text_is_refused_because_there_are_no_fonts(content, refused):
    error = refused(svg(SQUARE + content))
    assert error.reason == "unsupported-variant"
    assert "SVG with text" in error.detail


def test_the_title_is_no_text(shown):
    assert shown(b"<title>A square</title>" + SQUARE).getpixel((25, 25)) == RED


def test_a_cut_svg_is_truncated_and_a_broken_one_corrupt(refused):
    assert refused(svg()[:-9]).reason == "truncated"
    assert refused(svg(b"<a></b>")).reason == "corrupt"


def test_an_svg_that_takes_too_long_is_stopped():
    shapes = b'<path d="M0 0L2000 2000L0 2000z" fill-opacity=".1"/>' * 20_000
    original = svg(shapes, b'width="2000" height="2000"')
    with pytest.raises(PermanentError) as error:
        develop(original, [Spec("small", 64)], Limits(seconds=0.5))
    assert (error.value.reason, error.value.facts["stopped_by"]) == ("too-costly", "time")
