"""The cache of picture memory, and its release when the next picture needs more."""

import subprocess
import sys

import pytest
from PIL import Image
from PIL.Image import core  # type: ignore[attr-defined]

from services.resize import logic
from services.resize.pictures import decode, memory, scale
from services.resize.pictures.confined import Allowance, Work
from services.resize.pictures.header import CHEAPER
from services.resize.pictures.memory_usage import memory_usage
from services.resize.pictures.values import Limits, Size, Spec
from tests.pictures import encoded, photo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(memory_usage() is None, reason="what is resident is read from /proc"),
]
MEGAPIXEL = Size(1200, 1000)
ALLOWED = 90_000_000
"""Bytes for decoding in these tests: room for a picture of 48 MB, for a tenth of the next one, and
for other memory of the process.
"""


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the cache, and start each test with the current resident memory as the least."""
    memory.release()
    monkeypatch.setattr(memory._Least, "resident", None)


def cache_a_picture() -> int:
    """Process a picture; return the number of blocks in the cache."""
    memory.make_room(0, ALLOWED)
    Image.new("RGB", (4000, 3000)).close()
    return int(core.get_stats()["blocks_cached"])


def test_the_next_picture_reuses_the_memory_of_the_last_one() -> None:
    assert cache_a_picture() * 256 * 1024 >= 4000 * 3000 * 4
    before = core.get_stats()["allocated_blocks"]
    Image.new("RGB", (4000, 3000)).close()
    assert core.get_stats()["allocated_blocks"] == before


def test_a_picture_that_fits_beside_the_cache_does_not_clear_it() -> None:
    cached = cache_a_picture()
    memory.make_room(ALLOWED // 10, ALLOWED)
    assert core.get_stats()["blocks_cached"] == cached


def test_a_picture_that_does_not_fit_beside_the_cache_clears_it() -> None:
    cache_a_picture()
    memory.make_room(ALLOWED, ALLOWED)
    assert core.get_stats()["blocks_cached"] == 0


def test_freed_memory_is_returned_to_the_system() -> None:
    """Small freed blocks below one in use, like a decoder's; the allocator does not return them."""
    parts = [bytearray(b"x" * 100_000) for _ in range(400)]
    last = bytearray(b"x" * 100_000)
    del parts
    before = memory_usage()
    memory.release()
    after = memory_usage()
    assert last
    assert before
    assert after
    assert before.resident - after.resident > 30_000_000


def test_the_cache_is_empty_when_a_child_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = []

    def confined(work: Work, allowance: Allowance) -> bytes:
        cached.append(core.get_stats()["blocks_cached"])
        return run_confined(work, allowance)

    run_confined = decode.confined
    monkeypatch.setattr(decode, "confined", confined)
    cache_a_picture()
    logic.develop(encoded(photo(60, 40), "TIFF"), [Spec("one", 30)], Limits())
    assert cached == [0]


def test_memory_that_a_webp_leaves_behind_is_returned_to_the_system() -> None:
    logic.develop(encoded(photo(4000, 3000), "WEBP", method=0), [Spec("one", 30)], Limits())
    before = memory_usage()
    memory.release()
    after = memory_usage()
    assert before
    assert after
    assert before.resident - after.resident > 4000 * 3000 * 4


@pytest.mark.skipif(scale.cykooz_resizer is None, reason="the SIMD resizer is not installed")
def test_the_simd_resizers_buffer_is_released() -> None:
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
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    develop(original, specs, Limits(memory=int(sys.argv[1]), seconds=60))
    print(status("VmHWM") - least)
"""


def test_a_sequence_of_pictures_stays_within_the_limit_of_one(tmp_path) -> None:
    """Each original is as large as permitted, in the mode that needs most memory."""
    picture = photo(4000, 3000)
    clear = picture.copy()
    clear.putalpha(Image.linear_gradient("L").resize(picture.size))
    cmyk = picture.convert("CMYK")
    originals = {
        "plain.jpg": encoded(picture, "JPEG", quality=90),
        "progressive.jpg": encoded(cmyk, "JPEG", quality=90, progressive=True, subsampling=0),
        "palette.png": encoded(picture.convert("P"), "PNG", transparency=0),
        "clear.png": encoded(clear, "PNG", compress_level=1),
        "lossy.webp": encoded(picture, "WEBP", method=0),
        "again.jpg": encoded(picture, "JPEG", quality=90),
    }
    for name, body in originals.items():
        (tmp_path / name).write_bytes(body)
    allowed = 4000 * 3000 * CHEAPER["WEBP", "RGB"]
    child = [sys.executable, "-c", SEQUENCE, str(allowed), *(str(tmp_path / n) for n in originals)]
    done = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120)
    libraries = 8_000_000  # encoders and the tables of a profile
    assert max(int(line) for line in done.stdout.split()) < allowed + libraries
