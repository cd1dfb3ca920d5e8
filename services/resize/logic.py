"""The picture work: bytes of an original in, its renditions out. Pure: no cloud, no clock.

The steps stand in ``develop`` in the order in which a picture meets them.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageFile

from services.resize.pictures import jpeg, memory
from services.resize.pictures.analysis import ANALYSIS, for_analysis
from services.resize.pictures.colour import shrinkable, to_srgb
from services.resize.pictures.confined import Allowance, Stopped, confined
from services.resize.pictures.decoded import Decoded, pack, pack_refusal, unpack
from services.resize.pictures.encode import encode
from services.resize.pictures.fingerprint import likeness_of
from services.resize.pictures.geometry import fit
from services.resize.pictures.header import cost, identify, load_heic, open_header
from services.resize.pictures.metadata import SWAPS_SIDES, Metadata, read_metadata
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.scale import resize
from services.resize.pictures.tame import is_tame
from services.resize.pictures.truncation import is_cut_short
from services.resize.pictures.values import (
    Developed,
    Format,
    Limits,
    Rendition,
    Size,
    Spec,
)
from shared.errors import PermanentError

__all__ = [
    "ANALYSIS",
    "Developed",
    "Format",
    "Limits",
    "Refusal",
    "Rendition",
    "Spec",
    "develop",
]

memory.keep()


def develop(
    original: bytes, specs: Sequence[Spec], limits: Limits, analysis: Spec = ANALYSIS
) -> Developed:
    """Make every rendition wanted, and the one for the analysis, from a single decoding.

    Never enlarges (the analysis of a tiny picture apart), and keeps nothing but the pixels.
    Raises PermanentError with one of ``Refusal``'s codes, and nothing else, for any bytes.
    """
    kind = identify(original, limits.bytes)
    decode = _decode_here if is_tame(kind, original) else _decode_in_a_child
    decoded = decode(kind, original, max(spec.side for spec in (*specs, analysis)), limits)
    made, smallest = _cascade(decoded.image, decoded.seen, [*specs, analysis], analysis)
    return Developed(
        format=kind,
        width=decoded.seen.width,
        height=decoded.seen.height,
        captured=decoded.captured,
        gps_removed=decoded.located,
        renditions=tuple(made[:-1]),
        analysis=made[-1],
        fingerprint=likeness_of(smallest),
    )


def _decode_in_a_child(kind: str, original: bytes, largest: int, limits: Limits) -> Decoded:
    """As ``_decode_here``, but what the decoder breaks or takes is not this process's."""
    if kind == "HEIC":
        load_heic()

    def work() -> Sequence[bytes]:
        try:
            return pack(_decode_here(kind, original, largest, limits))
        except PermanentError as error:
            return pack_refusal(error)

    memory.release()  # the child may need it
    try:
        return unpack(confined(work, Allowance(limits.memory, limits.seconds)))
    except Stopped as error:
        raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by=error.by) from error


def _decode_here(kind: str, original: bytes, largest: int, limits: Limits) -> Decoded:
    with _decoding(kind, original):
        picture = open_header(kind, original, limits)
        size = Size(*picture.size)
        memory.make_room(cost(kind, size), limits.memory)
        whole = _decode(picture, original, fit(size, largest))
        metadata = read_metadata(picture)
        upright = _upright(whole, fit(size, largest), metadata)
    return Decoded(upright, _as_seen(size, metadata.turn), metadata.captured, metadata.located)


@contextmanager
def _decoding(kind: str, original: bytes) -> Iterator[None]:
    """Whatever goes wrong with foreign bytes means that they are damaged, or cut short."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which we survive
        try:
            yield
        except PermanentError:
            raise
        except MemoryError as error:
            raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by="memory") from error
        except Exception as error:  # bytes made to break decoders make them raise anything
            cut = is_cut_short(kind, original)
            raise refuse(Refusal.TRUNCATED if cut else Refusal.CORRUPT, format=kind) from error


def _decode(picture: ImageFile.ImageFile, original: bytes, enough: Size) -> Image.Image:
    """Decode to no less than ``enough``.

    HEIC's draft would decode an embedded thumbnail instead, which need not show the same picture.
    """
    if picture.format == "JPEG":
        jpeg.prepare(picture, original, enough)
    picture.load()
    return shrinkable(picture)


def _upright(image: Image.Image, size: Size, metadata: Metadata) -> Image.Image:
    """Shrink first: turning and profiles then cost a fraction of what they would."""
    small = to_srgb(resize(image, size, release_source=True), metadata.profile)
    small.info = {}  # comments, EXIF and profiles end here; encoders would write some of them
    return small if metadata.turn is None else small.transpose(metadata.turn)


def _cascade(
    image: Image.Image, whole: Size, specs: Sequence[Spec], analysis: Spec
) -> tuple[list[Rendition], Image.Image]:
    """Each rendition from the next larger one, given back in the order of the specs; and the
    pixels of the smallest.
    """
    made = {}
    for spec in sorted(specs, key=lambda spec: -spec.side):
        image = resize(image, fit(whole, spec.side))
        made[spec] = for_analysis(image, spec) if spec is analysis else encode(image, spec)
    return [made[spec] for spec in specs], image


def _as_seen(size: Size, turn: Image.Transpose | None) -> Size:
    return Size(size.height, size.width) if turn in SWAPS_SIDES else size
