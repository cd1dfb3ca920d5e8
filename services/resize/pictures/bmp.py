"""Pillow's BMP, with its profile, and with the faults that browsers forgive."""

import struct

from PIL import BmpImagePlugin, ImagePalette

HEADER_5 = struct.Struct("<I52x4s52x2I4x")
"""A BMP's header of the fifth version: its length, the kind of its colours, and the offset and the
length of its profile."""
FILE_HEADER = 14
"""Bytes before it. Offsets count from its beginning."""
COLOURS = 256
"""The most of a palette that pixels can use."""
EMBEDDED = b"DEBM"
"""The kind of colours that a profile in the file describes."""


class Bmp(BmpImagePlugin.BmpImageFile):
    """A BMP with its profile. It is opaque if all of its pixels have zero alpha, as in browsers.

    Programs that ignore the alpha write such files.
    """

    def _open(self) -> None:
        super()._open()
        if self.palette and (order := self.palette.rawmode):
            self.palette = ImagePalette.raw(order, self.palette.palette[: COLOURS * len(order)])
        assert self.fp is not None
        self.fp.seek(FILE_HEADER)
        header = self.fp.read(HEADER_5.size)
        if len(header) < HEADER_5.size:
            return
        length, kind, at, profile_length = HEADER_5.unpack(header)
        if (length, kind) == (HEADER_5.size, EMBEDDED):
            self.fp.seek(FILE_HEADER + at)
            self.info["icc_profile"] = self.fp.read(profile_length)

    def load_end(self) -> None:
        if self.mode == "RGBA" and self.getchannel("A").getextrema() == (0, 0):
            self.putalpha(255)
