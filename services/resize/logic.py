"""Creates renditions from the bytes of an original. Pure: it calls no cloud service.

``develop`` lists the steps in their order.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from PIL import Image, ImageFile

from services.resize.pictures import jpeg, memory, webp
from services.resize.pictures.analysis import ANALYSIS, for_analysis
from services.resize.pictures.colour import shrinkable, to_srgb
from services.resize.pictures.confined import Allowance, Stopped, confined
from services.resize.pictures.decoded import Decoded, pack, pack_refusal, unpack
from services.resize.pictures.defects import Repaired, Truncated, codes
from services.resize.pictures.encode import encode
from services.resize.pictures.fingerprint import fingerprint_of
from services.resize.pictures.geometry import fit
from services.resize.pictures.header import identify, load_heic, open_header, peak_bytes
from services.resize.pictures.metadata import SWAPS_SIDES, Metadata, read_metadata
from services.resize.pictures.plain import is_plain
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.scale import resize
from services.resize.pictures.truncation import is_cut_short, silent_defects
from services.resize.pictures.values import (
    Developed,
    Format,
    Limits,
    Rendition,
    Size,
    Spec,
)
from shared.contracts.images import PictureDetails
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

UNKNOWN = "it is not known how much of it is missing"
"""How much a truncated file misses, if its format does not show it."""

memory.enable_cache()


def develop(
    original: bytes, specs: Sequence[Spec], limits: Limits, analysis: Spec = ANALYSIS
) -> Developed:
    """Create all requested renditions and the picture for the analysis, decoding only once.

    It never enlarges, except for the analysis of a tiny picture. It copies no metadata.

    Raises PermanentError with a code of ``Refusal`` for bytes that it cannot process.
    """
    kind = identify(original, limits.bytes)
    decoded = _decode_safely(kind, original, max(spec.side for spec in (*specs, analysis)), limits)
    renditions, smallest = _cascade(
        decoded.image, decoded.upright_size, [*specs, analysis], analysis
    )
    return Developed(
        format=kind,
        width=decoded.upright_size.width,
        height=decoded.upright_size.height,
        captured=decoded.captured,
        gps_removed=decoded.has_gps,
        details=decoded.details,
        renditions=tuple(renditions[:-1]),
        analysis=renditions[-1],
        fingerprint=fingerprint_of(smallest),
        placeholder=None,
    )


def _decode_safely(kind: str, original: bytes, largest: int, limits: Limits) -> Decoded:
    """Decode a plain file here, and any other or imperfect file in a child process."""
    failure = None
    if is_plain(kind, original):
        try:
            return _decode_here(kind, Repaired(original), largest, limits)
        except _Undecodable as error:
            failure = str(error)
    return _decode_in_a_child(kind, original, largest, limits, failure)


def _decode_in_a_child(
    kind: str, original: bytes, largest: int, limits: Limits, failure: str | None
) -> Decoded:
    """Decode in a child process that has limits on memory and time.

    ``failure``: the decoder's message, if it has already failed.
    """
    if kind == "HEIC":
        load_heic()
    _load_repair()

    def work() -> Sequence[bytes]:
        try:
            return pack(_decode_or_repair(kind, original, largest, limits, failure))
        except PermanentError as error:
            return pack_refusal(error)

    memory.release()  # the child process may need this memory
    try:
        return unpack(confined(work, Allowance(limits.memory, limits.seconds)))
    except Stopped as error:
        raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by=error.by) from error


def _decode_or_repair(
    kind: str, original: bytes, largest: int, limits: Limits, failure: str | None
) -> Decoded:
    """Decode; if that fails, repair the file and decode again, or say why that is impossible."""
    if failure is None:
        try:
            return _decode_here(kind, Repaired(original), largest, limits)
        except _Undecodable as error:
            failure = str(error)
    repair, variant_of = _load_repair()
    if variant := variant_of(kind, original, failure):
        raise refuse(Refusal.UNSUPPORTED_VARIANT, format=kind, variant=variant)
    with suppress(_Undecodable), _decoding(kind):
        if repaired := repair(kind, original):
            return _decode_here(kind, repaired, largest, limits)
    if is_cut_short(kind, original):
        raise refuse(Refusal.TRUNCATED, format=kind, missing=UNKNOWN)
    raise refuse(Refusal.CORRUPT, format=kind)


def _load_repair() -> tuple[
    Callable[[str, bytes], Repaired | None], Callable[[str, bytes, str], str | None]
]:
    """``repair`` and ``variant_of``. They are loaded before a fork, like HEIC's opener."""
    from services.resize.pictures.repair import repair  # noqa: PLC0415 - saves 3 ms of a cold start
    from services.resize.pictures.variants import variant_of  # noqa: PLC0415

    return repair, variant_of


def _decode_here(kind: str, file: Repaired, largest: int, limits: Limits) -> Decoded:
    """Decode to an upright sRGB picture, with sides of at most ``largest`` pixels.

    Raises _Undecodable if the file is damaged, PermanentError if it is refused.
    """
    with _decoding(kind):
        if kind == "WEBP":
            memory.retain_large_blocks()
        picture = open_header(kind, file.original, limits)
        size = Size(*picture.size)
        memory.make_room(peak_bytes(kind, picture), limits.memory)
        whole = _decode(picture, file.original, fit(size, largest))
        if file.profile:
            picture.info["icc_profile"] = file.profile
        metadata = read_metadata(picture)
        upright = _upright(whole, fit(size, largest), metadata)
    return Decoded(
        image=upright,
        upright_size=_upright_size(size, metadata.turn),
        captured=metadata.captured,
        has_gps=metadata.has_gps,
        details=PictureDetails(warnings=codes(file.defects | silent_defects(kind, file.original))),
    )


class _Undecodable(Exception):
    """The decoder fails. The message is the decoder's."""


@contextmanager
def _decoding(kind: str) -> Iterator[None]:
    """Turn every error into a refusal or into _Undecodable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about unusual metadata
        try:
            yield
        except (PermanentError, _Undecodable):
            raise
        except Truncated as error:
            raise refuse(Refusal.TRUNCATED, format=kind, missing=error.missing) from error
        except MemoryError as error:
            raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by="memory") from error
        except Exception as error:  # noqa: BLE001 - malicious bytes can cause any exception
            raise _Undecodable(str(error)) from None  # its frames hold the picture


def _decode(picture: ImageFile.ImageFile, original: bytes, target: Size) -> Image.Image:
    """Decode to at least the size ``target``.

    Only JPEG is decoded at a reduced size. For HEIC that would decode an embedded thumbnail, which
    may differ from the picture.
    """
    if picture.format == "JPEG":
        jpeg.prepare(picture, original, target)
    if opaque := webp.opaque(picture):
        return opaque
    picture.load()
    return shrinkable(picture)


def _upright(image: Image.Image, size: Size, metadata: Metadata) -> Image.Image:
    """Resize, convert to sRGB and rotate upright. Resizing first makes the other two cheaper."""
    small = to_srgb(resize(image, size, release_source=True), metadata.profile)
    small.info = {}  # encoders would write some of these comments, EXIF data and profiles
    return small if metadata.turn is None else small.transpose(metadata.turn)


def _cascade(
    image: Image.Image, full_size: Size, specs: Sequence[Spec], analysis: Spec
) -> tuple[list[Rendition], Image.Image]:
    """Return the renditions in the order of the specs, and the smallest picture.

    Each rendition is made from the next larger one.
    """
    renditions = {}
    for spec in sorted(specs, key=lambda spec: -spec.side):
        image = resize(image, fit(full_size, spec.side))
        renditions[spec] = for_analysis(image, spec) if spec is analysis else encode(image, spec)
    return [renditions[spec] for spec in specs], image


def _upright_size(size: Size, turn: Image.Transpose | None) -> Size:
    """The size of the upright picture. EXIF orientations 5 to 8 swap width and height."""
    return Size(size.height, size.width) if turn in SWAPS_SIDES else size
