"""What pictures leave in the process, and that the next one never pays for it."""

import subprocess
import sys

import pytest
from PIL import Image
from PIL.Image import core  # type: ignore[attr-defined]

from services.resize import logic
from services.resize.pictures import memory, scale
from services.resize.pictures.confined import Allowance, Work
from services.resize.pictures.header import BYTES_A_PIXEL
from services.resize.pictures.held import held
from services.resize.pictures.values import Limits, Size, Spec
from tests.pictures import encoded, photo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(held() is None, reason="what is resident is read from /proc"),
]
MEGAPIXEL = Size(1200, 1000)
MOST = 90_000_000
"""Bytes that decoding may take below: a picture of 48 MB and the next one's tenth fit in, with as
much to spare for whatever else a process comes to hold meanwhile.
"""


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is resident when a test begins is the least, whatever the tests before it left."""
    memory.release()
    monkeypatch.setattr(memory._Least, "resident", None)


def leave_a_picture() -> int:
    """How many blocks are kept of it."""
    memory.make_room(0, MOST)
    Image.new("RGB", (4000, 3000)).close()
    return int(core.get_stats()["blocks_cached"])


def test_a_picture_leaves_its_memory_to_the_next() -> None:
    assert leave_a_picture() * 256 * 1024 >= 4000 * 3000 * 4
    before = core.get_stats()["allocated_blocks"]
    Image.new("RGB", (4000, 3000)).close()
    assert core.get_stats()["allocated_blocks"] == before


def test_what_fits_beside_it_leaves_it_there() -> None:
    kept = leave_a_picture()
    memory.make_room(MOST // 10, MOST)
    assert core.get_stats()["blocks_cached"] == kept


def test_what_does_not_fit_beside_it_has_it_given_back() -> None:
    leave_a_picture()
    memory.make_room(MOST, MOST)
    assert core.get_stats()["blocks_cached"] == 0


def test_what_was_freed_is_the_systems_again() -> None:
    """Parts too small to go back by themselves, as decoders free them, below one still in use."""
    parts = [bytearray(b"x" * 100_000) for _ in range(400)]
    last = bytearray(b"x" * 100_000)
    del parts
    before = held()
    memory.release()
    after = held()
    assert last
    assert before
    assert after
    assert before.resident - after.resident > 30_000_000


def test_a_child_finds_nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []

    def confined(work: Work, allowance: Allowance) -> bytes:
        kept.append(core.get_stats()["blocks_cached"])
        return run_confined(work, allowance)

    run_confined = logic.confined
    monkeypatch.setattr(logic, "confined", confined)
    leave_a_picture()
    logic.develop(encoded(photo(60, 40), "WEBP"), [Spec("one", 30)], Limits())
    assert kept == [0]


@pytest.mark.skipif(scale.cykooz_resizer is None, reason="the SIMD resizer is not installed")
def test_what_the_simd_resizer_keeps_is_given_back_too() -> None:
    scale.resize(Image.new("RGBA", MEGAPIXEL), Size(120, 100))
    assert scale._resizer.cache_info().currsize == 1
    memory.release()
    assert scale._resizer.cache_info().currsize == 0


SEQUENCE = """
import sys
from pathlib import Path
from services.resize.logic import Format, Limits, Spec, develop

def status(name):
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index(name + ":") + 1]) * 1024

specs = [Spec("web", 1024, Format.AUTO), Spec("thumbnail", 256, Format.AUTO)]
originals = [Path(name).read_bytes() for name in sys.argv[2:]]
least = status("VmRSS")
for original in originals * 2:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    develop(original, specs, Limits(memory=int(sys.argv[1]), seconds=60))
    print(status("VmHWM") - least)
"""


def test_no_order_of_pictures_takes_more_than_one_of_them_may(tmp_path) -> None:
    """Each of the dearest of its format, and as large as the cap lets in."""
    picture = photo(4000, 3000)
    clear = picture.copy()
    clear.putalpha(Image.linear_gradient("L").resize(picture.size))
    cmyk = picture.convert("CMYK")
    originals = {
        "plain.jpg": encoded(picture, "JPEG", quality=90),
        "progressive.jpg": encoded(cmyk, "JPEG", quality=90, progressive=True, subsampling=0),
        "palette.png": encoded(picture.convert("P"), "PNG", transparency=0),
        "clear.png": encoded(clear, "PNG", compress_level=1),
        "again.jpg": encoded(picture, "JPEG", quality=90),
    }
    for name, body in originals.items():
        (tmp_path / name).write_bytes(body)
    most = 4000 * 3000 * BYTES_A_PIXEL["PNG"]
    child = [sys.executable, "-c", SEQUENCE, str(most), *(str(tmp_path / n) for n in originals)]
    done = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120)
    libraries = 8_000_000  # encoders and the tables of a profile, once
    assert max(int(line) for line in done.stdout.split()) < most + libraries
