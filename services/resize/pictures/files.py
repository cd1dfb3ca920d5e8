"""Pillow's image files, without its EXIF reader, which expands lists without a bound.

Pillow reads the EXIF data of JPEG for a resolution, of AVIF for an orientation, and of TIFF for
both. ``metadata`` reads them instead.
"""

import struct
from collections.abc import Mapping
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    Image,
    ImagePalette,
    JpegImagePlugin,
    TiffImagePlugin,
    _avif,
)


class JpegFile(JpegImagePlugin.JpegImageFile):
    """A JPEG whose resolution is unknown."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


MAX_BYTES = 3 * 2 * 2**16
"""The most bytes of a list: a palette of 16 bits."""

MAX_BYTES_OF: Mapping[int, int] = {5: 512, 10: 512} | dict.fromkeys((1, 2, 7), 2**31)
"""Of other types: each fraction becomes an object, which takes 6 us; bytes and text stay bytes."""

PARTS = frozenset({273, 279, 324, 325})
"""Tags of the offsets and lengths of strips and tiles. A decoder needs all of them."""


class BoundedDirectory(TiffImagePlugin.ImageFileDirectory_v2):
    """A TIFF's directory without the lists that are too long for any use."""

    def load(self, fp: IO[bytes]) -> None:
        super().load(fp)
        for tag in [tag for tag in self._tagdata if self._is_too_long(tag)]:
            del self[tag]

    def _is_too_long(self, tag: int) -> bool:
        limit = MAX_BYTES_OF.get(self.tagtype[tag], MAX_BYTES)
        return tag not in PARTS and len(self._tagdata[tag]) > limit


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF that loads as upright, by its orientation only."""

    def _seek(self, frame: int) -> None:
        if not isinstance(self.tag_v2, BoundedDirectory):
            self.tag_v2 = BoundedDirectory(self.tag_v2._get_ifh())  # noqa: SLF001 - its byte order
        super()._seek(frame)

    def getexif(self) -> Image.Exif:
        exif = Image.Exif()
        if orientation := self.tag_v2.get(ExifTags.Base.Orientation):
            exif[ExifTags.Base.Orientation] = orientation
        return exif


HEADER_5 = struct.Struct("<I52x4s52x2I4x")
"""A BMP's header of the fifth version: its length, the kind of its colours, and the offset and the
length of its profile."""
FILE_HEADER = 14
"""Bytes before it. Offsets count from its beginning."""
COLOURS = 256
"""The most of a palette that pixels can use."""
EMBEDDED = b"DEBM"
"""The kind of colours that a profile in the file describes."""


class BmpFile(BmpImagePlugin.BmpImageFile):
    """A BMP with its profile. It is opaque if all of its pixels have zero alpha, as in browsers.

    Programs that ignore the alpha write such files.
    """

    def _open(self) -> None:
        super()._open()
        if self.palette:  # it may have more colours than a byte can number
            order, colours = self.palette.rawmode, self.palette.palette
            self.palette = ImagePalette.raw(order, colours[: COLOURS * len(order)])
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


class AvifFile(AvifImagePlugin.AvifImageFile):
    """An AVIF as it is stored. ``orientation`` is EXIF's number for its irot and imir boxes."""

    orientation: int

    def _open(self) -> None:
        assert self.fp is not None
        self._decoder = _avif.AvifDecoder(
            self.fp.read(),
            AvifImagePlugin.DECODE_CODEC_CHOICE,
            AvifImagePlugin._get_default_max_threads(),  # noqa: SLF001 - the number of processors
        )
        self._size, self.n_frames, self._mode, profile, exif, self.orientation, xmp = (
            self._decoder.get_info()
        )
        self.is_animated = self.n_frames > 1
        found = {"icc_profile": profile, "exif": exif, "xmp": xmp}
        self.info = {name: content for name, content in found.items() if content}
        self.seek(0)
