"""A PNG whose transparent colour and grey channels are as exact as the file's."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageChops

from services.resize.pictures.files import PngFile

SCALES = {"1": 1, "L;2": 85, "L;4": 17}
"""Pillow scales grey of fewer than 8 bits to 0 to 255, but not the transparent value."""

DEEP_RGB = "RGB;16B"
DEEP_RGB_LOW = "RGB;16L"
"""Of each 16-bit sample, the first reads the high byte, and the second the low byte."""

DEEP_GREY_ALPHA = "LA;16B"


class Png(PngFile):
    """A PNG. Its ``transparency`` is a value of the decoded mode.

    16-bit RGB with a transparent colour becomes RGBA: the decoded 8 bits could not be compared with
    16 bits. 16-bit grey with alpha becomes LA, so that a grey profile can be applied. Both do not
    apply to an animation, whose frames must have the mode of the file.
    """

    def _open(self) -> None:
        super()._open()
        self._rawmode = str(self.tile[0].args) if self.tile else ""
        key = self.info.get("transparency")
        if isinstance(key, int) and self.mode == "L":
            scale = SCALES.get(self._rawmode, 1)
            self.info["transparency"] = (key & 255 // scale) * scale
        elif isinstance(key, tuple) and self._rawmode != DEEP_RGB:
            self.info["transparency"] = tuple(value & 255 for value in key)
        elif isinstance(key, tuple) and self.is_animated:
            self.info["transparency"] = tuple(value >> 8 for value in key)

    def load(self) -> Any:
        if not self.tile or self.is_animated:
            return super().load()
        key = self.info.get("transparency")
        if self._rawmode == DEEP_RGB and isinstance(key, tuple):
            low = self._low_bytes()
            super().load()
            del self.info["transparency"]
            self._become(_keyed(self, low, key))
        elif self._rawmode == DEEP_GREY_ALPHA:
            super().load()
            self._become(Image.merge("LA", (self.getchannel("G"), self.getchannel("A"))))
        return super().load()

    def _low_bytes(self) -> Image.Image:
        """The low bytes of the samples, by a second decoding."""
        assert isinstance(self.fp, io.BytesIO)
        low = PngFile(io.BytesIO(self.fp.getvalue()))
        low.tile = [tile._replace(args=DEEP_RGB_LOW) for tile in low.tile]
        low.load()
        return low

    def _become(self, image: Image.Image) -> None:
        self.im, self._mode = image.im, image.mode


def _keyed(high: Image.Image, low: Image.Image, key: Sequence[int]) -> Image.Image:
    """RGBA that is transparent where all samples are those of the key."""
    alpha = Image.new("L", high.size, 0)
    for band, value in enumerate(key):
        for samples, byte in ((high, value >> 8), (low, value & 255)):
            table = [255] * 256
            table[byte] = 0
            alpha = ImageChops.lighter(alpha, samples.getchannel(band).point(table))
    return Image.merge("RGBA", (*high.split(), alpha))
