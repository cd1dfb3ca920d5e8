"""A decoder that exhausts memory, loops or crashes fails its picture, but not the service."""

import faulthandler
import io
import os
import resource
import signal
import struct
import threading
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from services.resize.logic import Limits, Spec, develop
from services.resize.pictures.confined import Allowance, Stopped, _lower, confined
from services.resize.pictures.header import OPENERS
from services.resize.pictures.plain import PLAIN_FORMATS, is_plain
from shared.errors import PermanentError, TransientError
from tests.pictures import SVG, corners, encoded, exif, hole, noise

MB = 1024**2
PLENTY = Allowance(memory=512 * MB, seconds=60)
SPECS = [Spec("one", 64)]


def eat_memory(_file=None):
    return [b"\1" * 16 * MB for _ in count()]


def spin(_file=None):
    while True:
        pass


def crash(_file=None):
    faulthandler.disable()  # pytest's, which would print a long report
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.fixture
def broken(monkeypatch):
    """``broken(decoder)``: the refusal of a TIFF that is processed with this decoder."""

    def run(decoder, **limits):
        monkeypatch.setitem(OPENERS, "TIFF", decoder)
        with pytest.raises(PermanentError) as refused:
            develop(encoded(corners(), "TIFF"), SPECS, Limits(**limits))
        return refused.value

    return run


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def children():
    """The ids of this process's children, including zombies; empty without ``/proc``."""
    return {child for child in map(_child, Path("/proc").glob("[0-9]*/stat")) if child}


def _child(stat):
    """The id of the process with this file in ``/proc``, if it is a child of this process."""
    try:
        number, fields = stat.parent.name, stat.read_text().rpartition(")")[2].split()
    except OSError:  # the process has just ended
        return None
    return int(number) if int(fields[1]) == os.getpid() else None


@pytest.mark.parametrize(
    ("decoder", "limits", "stopped_by"),
    [
        (eat_memory, {"memory": 64 * MB}, "memory"),
        (spin, {"seconds": 0.3}, "time"),
        (crash, {}, "SIGSEGV"),
        (lambda _: os._exit(3), {}, "exit 3"),
    ],
    ids=["eats memory", "spins", "crashes", "leaves"],
)
def test_a_misbehaving_decoder_fails_only_its_picture(broken, decoder, limits, stopped_by):
    before = children()
    error = broken(decoder, **limits)
    assert (error.reason, error.facts["stopped_by"]) == ("too-costly", stopped_by)
    assert develop(encoded(corners(), "AVIF"), SPECS, Limits()).width == 120
    assert children() <= before


def test_plain_formats_are_decoded_in_the_service_itself(monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert {
        develop(encoded(corners(), form), SPECS, Limits()).format for form in PLAIN_FORMATS
    } == {*PLAIN_FORMATS}


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"progressive": True, "icc_profile": bytes(300_000), "exif": exif(make="M")}),
        ("JPEG", {"subsampling": 0}),
        ("PNG", {"compress_level": 0}),
        ("WEBP", {}),
        ("WEBP", {"icc_profile": bytes(300_000), "exif": exif(make="M"), "xmp": bytes(3000)}),
    ],
    ids=["progressive JPEG, large profile", "JPEG", "PNG of 45 chunks", "WebP", "WebP, metadata"],
)
def test_a_plain_picture_may_have_many_parts(form, options):
    assert is_plain(form, encoded(noise(1200, 800), form, **options))


def webp_with(name, body):
    """A WebP with one more chunk, after its picture."""
    file = encoded(corners(), "WEBP")
    file += name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return file[:4] + struct.pack("<I", len(file) - 8) + file[8:]


def webp_canvas(width):
    """A WebP of 120 pixels on a canvas of another width."""
    file = encoded(corners(), "WEBP", exif=exif(make="M"))
    return file[:24] + struct.pack("<I", width - 1)[:3] + file[27:]


@pytest.mark.parametrize(
    "file",
    [
        encoded(corners(), "WEBP", lossless=True),
        encoded(hole(), "WEBP"),
        encoded(corners(), "WEBP", save_all=True, append_images=[noise(120, 80)]),
        encoded(corners(), "WEBP")[:-9],
        webp_canvas(121),
        webp_with(b"VP8 ", bytes(10)),
        webp_with(b"ALPH", bytes(10)),
        webp_with(b"none", b"") + b"none\0\0\0\0" * 9,
        encoded(corners(), "WEBP").replace(b"\x9d\x01\x2a", b"\x9d\x01\x2b"),
    ],
    ids=[
        "lossless",
        "transparent",
        "animated",
        "cut",
        "larger canvas",
        "two pictures",
        "stray transparency",
        "chunks outside",
        "no key frame",
    ],
)
def test_only_one_lossy_picture_makes_a_plain_webp(file):
    assert is_plain("WEBP", webp_canvas(120))
    assert is_plain("WEBP", file) == file.endswith(b"none\0\0\0\0" * 9)


def test_a_webp_of_many_chunks_is_not_plain():
    file = encoded(corners(), "WEBP") + b"none\0\0\0\0" * 9
    assert not is_plain("WEBP", file[:4] + struct.pack("<I", len(file) - 8) + file[8:])


@pytest.mark.parametrize(
    ("marker", "body"),
    [(0xDB, b"\0" + b"\1" * 64), (0xED, b"Photoshop 3.0\0"), (0xE1, b"Exif\0\0II*\0")],
    ids=["quantization table", "Photoshop", "EXIF"],
)
def test_a_jpeg_with_many_segments_that_pillow_takes_apart_is_not_plain(marker, body):
    small = encoded(corners(), "JPEG")  # with two tables
    segment = bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body
    assert is_plain("JPEG", small[:2] + segment * 18 + small[2:])
    assert not is_plain("JPEG", small[:2] + segment * 21 + small[2:])


@pytest.mark.parametrize("form", sorted(OPENERS.keys() - PLAIN_FORMATS))
def test_other_formats_are_decoded_in_a_child(monkeypatch, form):
    def unable():
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", unable)
    original = SVG if form == "SVG" else encoded(corners(), form)
    with pytest.raises(TransientError, match="no-process"):
        develop(original, SPECS, Limits())


def test_the_childs_result_is_complete():
    body = os.urandom(3 * MB + 1)
    assert confined(lambda: [b"one ", b"", body], PLENTY) == b"one " + body


def test_work_that_raises_has_no_result():
    with pytest.raises(Stopped, match="exit 0"):
        confined(lambda: 1 // 0, PLENTY)


def test_a_result_larger_than_the_memory_limit_is_not_read():
    with pytest.raises(Stopped, match="answer"):
        confined(lambda: [bytes(MB)] * 3, Allowance(memory=MB, seconds=60))


def test_the_childs_output_is_discarded(capfd):
    def work():
        os.write(1, b"to standard output")
        os.write(2, b"to standard error")
        return [b"the answer"]

    assert confined(work, PLENTY) == b"the answer"
    assert capfd.readouterr() == ("", "")


def test_an_existing_stricter_limit_stays():
    def limit_twice():
        for seconds in (1000, 2000):
            _lower(resource.RLIMIT_CPU, seconds)
        return [b"%d" % resource.getrlimit(resource.RLIMIT_CPU)[1]]

    plenty = Allowance(memory=512 * MB, seconds=600)
    assert confined(limit_twice, plenty) == b"1000"


def test_no_file_descriptor_stays_open_after_a_child():
    before = open_files()
    for _ in range(3):
        with pytest.raises(Stopped):
            confined(crash, PLENTY)
    assert open_files() == before


def test_threads_of_the_parent_do_not_affect_a_child():
    busy = threading.Event()
    threads = [threading.Thread(target=busy.wait, args=(60,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    made = develop(encoded(corners(), "TIFF"), SPECS, Limits())
    busy.set()
    for thread in threads:
        thread.join(60)
    assert made.renditions[0].width == 64


def test_a_memory_error_in_the_service_is_too_costly(monkeypatch):
    def starved(_file):
        raise MemoryError

    monkeypatch.setitem(OPENERS, "PNG", starved)
    with pytest.raises(PermanentError, match="too-costly"):
        develop(encoded(corners(), "PNG"), SPECS, Limits())


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_pass_the_pipe_unchanged(rendition, mode):
    picture = Image.effect_noise((40, 30), 90).convert(mode)
    assert rendition(encoded(picture, "TIFF")).body == rendition(encoded(picture, "PNG")).body


def test_a_webp_has_the_same_pixels_in_the_service_and_in_a_child(monkeypatch, rendition):
    original = encoded(noise(300, 200), "WEBP")
    here = rendition(original).body
    monkeypatch.setitem(PLAIN_FORMATS, "WEBP", lambda _: False)
    assert rendition(original).body == here
    assert here == rendition(encoded(Image.open(io.BytesIO(original)), "PNG")).body
