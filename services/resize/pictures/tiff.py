"""A TIFF of more kinds than Pillow decodes: deep grey, CIELAB, CMYK with alpha, float RGB."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from PIL import Image, ImageFile
from PIL.Image import core  # type: ignore[attr-defined]  # Pillow's C side, which has no types
from PIL.TiffImagePlugin import II, MM, OPEN_INFO

from services.resize.pictures.colour import ROUNDED, SIXTEEN_TO_EIGHT, lab_to_rgb, to_grey, to_srgb
from services.resize.pictures.files import TiffFile

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK, CIELAB, ICCLAB = 0, 1, 2, 5, 8, 9
"""Values of TIFF's PhotometricInterpretation."""

UNSIGNED, FLOAT = (1,), (3,)
"""Values of TIFF's SampleFormat."""

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
PLANAR, PREDICTOR, TILE_WIDTH, EXTRA, FORMAT = 284, 317, 322, 338, 339
STRIPS_AND_TILES = (266, 273, 278, 279, 323, 324, 325)
"""Tags of strips and tiles, and of the order of bits."""

POSITIONS = frozenset({273, 279, 324, 325})
"""Tags with a value for each strip or tile: its position, and its number of bytes."""

LOSSLESS = frozenset({1, 5, 8, 32773, 32946, 50000})
"""Compressions that do not depend on the meaning of samples: none, LZW, Deflate, PackBits, Zstd."""

DIFFERENCES = 2
"""The predictor that stores each sample as its difference from the sample to its left."""

ASSOCIATED = (1,)
"""The value of ExtraSamples for premultiplied alpha."""

EXTRAS = (), (0,), (1,), (2,)
"""Values of ExtraSamples: none, unspecified, premultiplied alpha, alpha."""

TWELVE_TO_SIXTEEN = 65535 / 4095
DEEP_WHITE: Mapping[str, int] = {"I;16": 65535, "F": 1}
"""White in the modes that Pillow does not invert if white is zero."""

BY_SAMPLES = "samples"
"""In place of Pillow's raw mode: it has none for these pixels, so each sample is read as grey. It
is at least as long as the number of samples, because Pillow uses a letter for each plane."""

COLOURS = {BLACK_IS_ZERO: "L", RGB: "RGB", CMYK: "CMYK"}
PLANES = 2
"""The value of PlanarConfiguration for samples in separate planes."""

NATIVE = {"F;32BF": "F;32NF", "F;32B": "F;32N", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}
"""Raw modes for libtiff, which returns samples in the machine's order. Pillow ignores it here."""

SIGNED = [value ^ 128 for value in range(256)]
"""From signed bytes to bytes in which 128 is zero."""

STRAIGHT = 0.0031308
"""The linear light up to which the curve of sRGB is a straight line."""

Key = tuple[object, ...]


def _kinds() -> Mapping[Key, tuple[str, str]]:
    """Changes of Pillow's table of kinds, which has a mode and a raw mode for each."""
    kinds: dict[Key, tuple[str, str]] = {}
    for order, end, ending in ((II, "", "L"), (MM, "B", "B")):
        kinds[order, CIELAB, UNSIGNED, 1, (16, 16, 16), ()] = "RGB", f"RGB;16{ending}"
        kinds[order, CIELAB, UNSIGNED, 1, (8, 8, 8, 8), (2,)] = "RGBA", "RGBA"
        kinds[order, ICCLAB, UNSIGNED, 1, (8, 8, 8), ()] = "RGB", "RGB"
        kinds[order, BLACK_IS_ZERO, UNSIGNED, 1, (8, 8), ()] = "LA", "LA"
        kinds[order, BLACK_IS_ZERO, UNSIGNED, 1, (32,), ()] = "F", f"F;32{end}"
        for photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
            kinds[order, photometric, UNSIGNED, 1, (16,), ()] = "I;16", f"I;16{end}"
        for extra in EXTRAS:
            floats = (32,) * (3 + len(extra))
            kinds[order, RGB, FLOAT, 1, floats, extra] = "RGB", BY_SAMPLES
            for inks in ((8,) * (4 + len(extra)), (16,) * (4 + len(extra))):
                kinds[order, CMYK, UNSIGNED, 1, inks, extra] = "CMYK", BY_SAMPLES
            kinds[order, BLACK_IS_ZERO, UNSIGNED, 1, (16, 16), extra] = "RGBA", "RGBA"
    return kinds


SUPPORTED_BY_PILLOW = frozenset(key for key in OPEN_INFO if key[1] == CMYK)
OPEN_INFO.update(
    {key: kind for key, kind in _kinds().items() if key not in SUPPORTED_BY_PILLOW}  # type: ignore[misc]  # Pillow's type has the number of bits of one sample
)


class Tiff(TiffFile):
    """A TIFF. Black is zero in all grey modes. CMYK with alpha becomes RGBA in sRGB.

    Raises SyntaxError for kinds that it cannot decode, like Pillow.
    """

    def _setup(self) -> None:
        super()._setup()
        unknown = _raw_mode(self.tile[0]) in {BY_SAMPLES, BY_SAMPLES[0]}
        planes = self.tag_v2.get(PLANAR) == PLANES and len(self.tag_v2.get(BITS, ())) > 1
        self._by_samples = (unknown or planes) and self._has_separable_samples()
        if unknown and not self._by_samples:
            raise SyntaxError("unknown pixel mode")
        if self.use_load_libtiff:
            self.tile = [_native(tile) for tile in self.tile]

    def load(self) -> Any:
        if self.tile and self._by_samples:
            self._become(self._from_samples())
            self.tile = []
            self.load_end()
        return super().load()

    def load_end(self) -> None:
        """Called after decoding, and before Pillow applies the orientation."""
        if not self._by_samples:
            self._become(self._normal(self._new(self.im)))
        super().load_end()

    def _become(self, image: Image.Image) -> None:
        self.im, self._mode = image.im, image.mode

    def _normal(self, image: Image.Image) -> Image.Image:
        """The picture in one of the modes that ``colour`` converts."""
        photometric = self.tag_v2.get(PHOTOMETRIC, WHITE_IS_ZERO)
        if photometric in {CIELAB, ICCLAB} and image.mode != "LAB":
            return _lab(image, signed=photometric == CIELAB)
        if photometric == BLACK_IS_ZERO and image.mode == "RGBA":
            little = self.use_load_libtiff or self.tag_v2.prefix == II
            return _deep_grey(image, self._extra, little=little)
        if self.tag_v2.get(BITS) == (12,):
            return image.point(lambda value: value * TWELVE_TO_SIXTEEN + 0)
        if photometric == WHITE_IS_ZERO and image.mode in DEEP_WHITE:
            white = DEEP_WHITE[image.mode]
            return image.point(lambda value: value * -1 + white)
        return image

    @property
    def _extra(self) -> tuple[int, ...]:
        extra: tuple[int, ...] = self.tag_v2.get(EXTRA, ())
        return extra

    def _has_separable_samples(self) -> bool:
        """Whether ``_samples`` can read them."""
        tags = self.tag_v2
        lossless = tags.get(COMPRESSION, 1) in LOSSLESS and tags.get(PHOTOMETRIC) in COLOURS
        predictor = tags.get(PREDICTOR, 1)
        undone = (predictor, tags[BITS][0], TILE_WIDTH in tags) == (DIFFERENCES, 8, False)
        return lossless and (tags.get(PLANAR) == PLANES or predictor == 1 or undone)

    def _from_samples(self) -> Image.Image:
        """L, LA, RGB, RGBA or CMYK; CMYK with alpha becomes RGBA in sRGB."""
        mode = COLOURS[self.tag_v2[PHOTOMETRIC]]
        profile = self.info.get("icc_profile")
        has_alpha = self._extra[:1] != (0,) and self.tag_v2[SAMPLES] > len(mode)
        bands = self._samples(len(mode) + has_alpha, gamma=mode == "RGB" and not profile)
        alpha = bands.pop() if has_alpha else None
        if alpha is not None and self._extra[:1] == ASSOCIATED:
            bands = [_unpremultiplied(band, alpha) for band in bands]
        picture = Image.merge(mode, bands)
        del bands  # as many bytes as the picture
        if alpha is not None:
            if mode == "CMYK":
                picture = to_srgb(picture, self.info.pop("icc_profile", None))
            picture.putalpha(alpha)
        return picture

    def _samples(self, count: int, *, gamma: bool) -> list[Image.Image]:
        """The first samples of all pixels, as pictures of 8 bits.

        ``gamma``: floats are linear light, except alpha. Pixels with adjacent samples are read as a
        grey picture whose columns are the samples.
        """
        tags = self.tag_v2
        if tags.get(PLANAR) == PLANES:
            samples = [self._as_grey(1, plane) for plane in range(count)]
        else:
            wide = self._as_grey(tags[SAMPLES])
            samples = [_every(tags[SAMPLES], wide, first) for first in range(count)]
            if tags.get(PREDICTOR, 1) == DIFFERENCES:
                samples = [_summed(sample) for sample in samples]
        return [
            _eight_bits(sample, linear=gamma and index < len(COLOURS[RGB]))
            for index, sample in enumerate(samples)
        ]

    def _as_grey(self, together: int, plane: int | None = None) -> Image.Image:
        """A grey picture, ``together`` times as wide, of one or all planes."""
        grey = Tiff(io.BytesIO(self._restated(together, plane)))
        grey.im = core.new(grey.mode, grey.size)  # Pillow would count samples as pixels
        grey.load()
        return grey

    def _restated(self, together: int, plane: int | None) -> bytes:
        """The file with another directory at its end: that of a grey picture."""
        assert isinstance(self.fp, io.BytesIO)
        original, tags = self.fp.getvalue(), self.tag_v2
        stated = {tag: tags[tag] for tag in (HEIGHT, COMPRESSION, *STRIPS_AND_TILES) if tag in tags}
        stated |= {tag: tags[tag] * together for tag in (WIDTH, TILE_WIDTH) if tag in tags}
        stated |= {BITS: tags[BITS][0], FORMAT: tags.get(FORMAT, UNSIGNED)[0]}
        stated |= {PHOTOMETRIC: BLACK_IS_ZERO, SAMPLES: 1}
        if plane is not None:
            for tag in POSITIONS & stated.keys():
                strips = len(tags[tag]) // tags[SAMPLES]
                stated[tag] = tags[tag][plane * strips : (plane + 1) * strips]
            stated[PREDICTOR] = tags.get(PREDICTOR, 1)
        order = "<" if tags.prefix == II else ">"
        header = tags.prefix + struct.pack(f"{order}HL", 42, len(original))
        return b"".join(
            (header, memoryview(original)[8:], _directory(order, stated, len(original)))
        )


def _directory(order: str, tags: Mapping[int, int | Sequence[int]], at: int) -> bytes:
    """A TIFF directory at the offset ``at``, with all values as 32-bit integers."""
    entries, lists = b"", b""
    lists_at = at + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        values = [value] if isinstance(value, int) else value
        packed = struct.pack(f"{order}{len(values)}L", *values)
        entries += struct.pack(f"{order}HHL", tag, 4, len(values))
        if len(values) == 1:
            entries += packed
        else:
            entries += struct.pack(f"{order}L", lists_at + len(lists))
            lists += packed
    return struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + lists


def _native(tile: ImageFile._Tile) -> ImageFile._Tile:
    raw_mode, *others = cast("tuple[Any, ...]", tile.args)
    return tile._replace(args=(NATIVE.get(raw_mode, raw_mode), *others))


def _raw_mode(tile: ImageFile._Tile) -> str:
    """The tile's raw mode; its first letter for the first of separate planes."""
    return cast("tuple[str, int]", tile.args)[0]


def _lab(image: Image.Image, *, signed: bool) -> Image.Image:
    """LAB from bands of L, a and b. With alpha it becomes RGBA in sRGB."""
    light, *colours = image.split()[:3]
    if signed:
        colours = [band.point(SIGNED) for band in colours]
    lab = Image.merge("LAB", (light, *colours))
    if image.mode != "RGBA":
        return lab
    rgba = lab_to_rgb(lab)
    rgba.putalpha(image.getchannel("A"))
    return rgba


def _deep_grey(image: Image.Image, extra: tuple[int, ...], *, little: bool) -> Image.Image:
    """Grey with alpha from the bytes of two 16-bit samples: their high bytes."""
    first = 1 if little else 0
    grey, alpha = image.getchannel(first), image.getchannel(first + 2)
    if extra == (0,):
        return grey
    return Image.merge("La" if extra == ASSOCIATED else "LA", (grey, alpha))


def _unpremultiplied(band: Image.Image, alpha: Image.Image) -> Image.Image:
    return Image.merge("La", (band, alpha)).convert("LA").getchannel("L")


def _every(step: int, wide: Image.Image, first: int) -> Image.Image:
    """Every column of this distance."""
    size = wide.width // step, wide.height
    columns = (step, 0, first + 0.5 - step / 2, 0, 1, 0)  # without the last term, the middle one
    return wide.transform(size, Image.Transform.AFFINE, columns)


def _eight_bits(sample: Image.Image, *, linear: bool) -> Image.Image:
    if sample.mode == "I;16":
        return to_grey(sample, SIXTEEN_TO_EIGHT, ROUNDED)
    if sample.mode == "F" and linear:
        light = sample.point(lambda value: value * 65535 + ROUNDED)
        return light.convert("I").point(_gamma(), "L")
    return to_grey(sample, 255, ROUNDED) if sample.mode == "F" else sample


@lru_cache(maxsize=1)
def _gamma() -> list[int]:
    """The sRGB value of 65,536 values of linear light, by IEC 61966-2-1."""
    light = [value / 65535 for value in range(65536)]
    return [
        round(255 * (12.92 * v if v <= STRAIGHT else 1.055 * v ** (1 / 2.4) - 0.055)) for v in light
    ]


def _summed(sample: Image.Image) -> Image.Image:
    """Undo ``DIFFERENCES``. It is the same sum as that of PNG's filter "Sub"."""
    rows, width = sample.tobytes(), sample.width
    filtered = b"".join(b"\1" + rows[at : at + width] for at in range(0, len(rows), width))
    return Image.frombytes("L", sample.size, zlib.compress(filtered, 0), "zip", "L")
