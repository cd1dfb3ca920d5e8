"""What no JPEG thumbnailer gets below: libjpeg-turbo's decoding at the same scale, and encoding.

Nothing is resized: what is encoded was made before, and is the same for each run.
"""

import io
from functools import lru_cache

from PIL import Image

from tests.lab.bench.engines.naive import encoded, shrunk, whole
from tests.lab.bench.profile import SIDES, WANTED


def work(original: bytes, form: str) -> list[bytes]:
    picture = Image.open(io.BytesIO(original))
    scale = min(1, SIDES[0] / max(picture.size))
    picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
    picture.load()
    return [
        encoded(small, wanted)
        for small, wanted in zip(_small(original, form), WANTED[form], strict=True)
    ]


@lru_cache(maxsize=1)
def _small(original: bytes, form: str) -> list[Image.Image]:
    return [shrunk(whole(original), wanted.side) for wanted in WANTED[form]]
