"""Pillow's image files, whose metadata does not change or slow down decoding.

Pillow reads the EXIF data of JPEG for a resolution, of AVIF for an orientation, and of TIFF for
both, and expands lists without a bound. ``metadata`` reads them instead.
"""

from collections.abc import Mapping
from typing import IO

from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    _avif,
)


class JpegFile(JpegImagePlugin.JpegImageFile):
    """A JPEG whose resolution is unknown."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class PngFile(PngImagePlugin.PngImageFile):
    """A PNG whose texts do not change how it is decoded.

    Pillow stores a text in ``info`` by its keyword, where it replaces a value of the decoder.
    """

    def _open(self) -> None:
        super()._open()
        self._remove_texts()

    def load_end(self) -> None:
        super().load_end()
        self._remove_texts()

    def _remove_texts(self) -> None:
        for name in OF_THE_DECODER:
            if isinstance(self.info.get(name), str):
                del self.info[name]


OF_THE_DECODER = "icc_profile", "transparency", "interlace"

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
