"""Pillow's image files, without its EXIF reader, which expands lists without a bound.

Pillow reads the EXIF data of JPEG for a resolution, of AVIF for an orientation, and of TIFF for
both. ``metadata`` reads them instead.
"""

from PIL import AvifImagePlugin, ExifTags, Image, JpegImagePlugin, TiffImagePlugin, _avif


class JpegFile(JpegImagePlugin.JpegImageFile):
    """A JPEG whose resolution is unknown."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF that loads as upright, by its orientation only."""

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
