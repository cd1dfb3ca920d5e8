"""The lower bound of a JPEG thumbnailer: libjpeg-turbo's decoding at the same scale, and encoding.

It does not resize: the pictures that it encodes are created once, before the first job.
"""

import io
from functools import lru_cache

from PIL import Image

from tests.lab.bench.engines.naive import encoded, shrunk, whole
from tests.lab.bench.profile import RENDITIONS, SIDES


def work(original: bytes, form: str) -> list[bytes]:
    picture = Image.open(io.BytesIO(original))
    scale = min(1, SIDES[0] / max(picture.size))
    picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
    picture.load()
    return [
        encoded(small, rendition)
        for small, rendition in zip(_small(original, form), RENDITIONS[form], strict=True)
    ]


@lru_cache(maxsize=1)
def _small(original: bytes, form: str) -> list[Image.Image]:
    return [shrunk(whole(original), rendition.side) for rendition in RENDITIONS[form]]
