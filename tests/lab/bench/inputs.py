"""Generate the originals with a camera's entropy, and cache them until this file changes.

A camera's JPEG has 2 to 3 bits per pixel. Smooth noise at all scales gives light and shapes, grain
the rest; without grain a picture of this size decodes in half the time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from tests import pictures
from tests.pictures import encoded, exif, rgb_profile

BUILD = Path(__file__).parents[3] / "build"
CACHE = BUILD / "bench-inputs"

GRAIN = 7.0
"""Standard deviation, of 255: 2.3 bits per pixel as a JPEG of quality 90."""

DISPLAY_P3 = (0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)
"""Primaries of Display P3 in XYZ, adapted to D50, as phones write them."""

SIZES = {1: (1152, 864), 4: (2304, 1728), 12: (4032, 3024), 24: (6000, 4000), 48: (8064, 6048)}
"""By megapixels: 12 and 48 are a phone's sizes, 24 a camera's."""


@dataclass(frozen=True)
class Original:
    """A file, and the format of its renditions."""

    name: str
    megapixels: int
    path: Path
    form: str = "JPEG"


def jpeg(megapixels: int) -> Original:
    return _cached(f"{megapixels} MP JPEG", megapixels, lambda: _as(photo(megapixels), "JPEG"))


def others() -> Mapping[str, Callable[[], Original]]:
    """All other kinds of 12 MP by name; each is generated when called."""
    return {
        name: partial(_cached, f"12 MP {name}", 12, make, form) for name, (make, form) in _KINDS
    }


def _cached(name: str, megapixels: int, make: Callable[[], bytes], form: str = "JPEG") -> Original:
    """The original from the cache, or generated if it or these scripts changed."""
    scripts = b"".join(Path(module).read_bytes() for module in (__file__, pictures.__file__))
    path = CACHE / sha256(scripts + name.encode()).hexdigest()[:16]
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_bytes(make())
        half.rename(path)
    return Original(name, megapixels, path, form)


def photo(megapixels: int) -> Image.Image:
    width, height = SIZES[megapixels]
    chance = np.random.default_rng(megapixels)
    grain = chance.standard_normal((height, width), dtype=np.float32) * GRAIN
    light = _light(width // 2, height // 2, chance)
    bands = [
        np.asarray(Image.fromarray(band).resize((width, height), Image.Resampling.BICUBIC)) + grain
        for band in light
    ]
    return Image.merge("RGB", [Image.fromarray(band.clip(0, 255).astype("u1")) for band in bands])


def _light(width: int, height: int, chance: np.random.Generator) -> list[np.ndarray]:
    """Three bands of noise whose strength falls with frequency, as in photographs."""
    bands = [np.full((height, width), 128, np.float32) for _ in range(3)]
    across, strength = 4, 70.0
    while across < width:
        down = max(2, across * height // width)
        grey = chance.standard_normal((down, across), dtype=np.float32)
        for n in range(3):
            tint = 0.3 * chance.standard_normal((down, across), dtype=np.float32)
            octave = Image.fromarray((grey + tint) * strength)
            bands[n] += np.asarray(octave.resize((width, height), Image.Resampling.BICUBIC))
        across, strength = across * 2, strength * 0.62
    return bands


def _as(picture: Image.Image, form: str, **options: object) -> bytes:
    return encoded(picture, form, **{"quality": 90, **options})


def _jpeg(**options: object) -> bytes:
    return _as(photo(12), "JPEG", **options)


def _rgba() -> bytes:
    """A picture whose alpha fades from left to right."""
    picture = photo(12)
    fading = Image.linear_gradient("L").rotate(90).resize(picture.size)
    picture.putalpha(fading)
    return encoded(picture, "PNG", compress_level=1)


def _sixteen_bits() -> bytes:
    grey = np.asarray(photo(12).convert("L"), dtype="u2") * 257
    return encoded(Image.fromarray(grey), "PNG", compress_level=1)


_KINDS: list[tuple[str, tuple[Callable[[], bytes], str]]] = [
    (
        "JPEG, P3, turned",
        (lambda: _jpeg(icc_profile=rgb_profile(DISPLAY_P3), exif=exif(orientation=6)), "JPEG"),
    ),
    ("JPEG, progressive", (lambda: _jpeg(progressive=True), "JPEG")),
    ("JPEG, CMYK", (lambda: _as(photo(12).convert("CMYK"), "JPEG"), "JPEG")),
    ("PNG", (lambda: encoded(photo(12), "PNG", compress_level=1), "JPEG")),
    ("PNG, RGBA", (_rgba, "WEBP")),
    ("PNG, 16 bits", (_sixteen_bits, "JPEG")),
    ("WebP", (lambda: _as(photo(12), "WEBP", method=0), "JPEG")),
    ("HEIC", (lambda: _as(photo(12), "HEIC", quality=70), "JPEG")),
    ("AVIF", (lambda: _as(photo(12), "AVIF", quality=70, speed=10), "JPEG")),
]
