"""Creates renditions from the bytes of an original. Pure: it calls no cloud service.

``develop`` lists the steps in their order.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from PIL import Image, ImageFile

from services.resize.pictures import jpeg, memory
from services.resize.pictures.analysis import ANALYSIS, for_analysis
from services.resize.pictures.attention import attention
from services.resize.pictures.colour import shrinkable, to_srgb
from services.resize.pictures.confined import Allowance, Stopped, confined
from services.resize.pictures.decoded import Decoded, pack, pack_refusal, unpack
from services.resize.pictures.defects import Repaired, Truncated, codes
from services.resize.pictures.encode import encode
from services.resize.pictures.fingerprint import fingerprint_of
from services.resize.pictures.gain_map import has_gain_map
from services.resize.pictures.geometry import crop_box, filling, largest
from services.resize.pictures.header import identify, load_heic, load_svg, open_header, peak_bytes
from services.resize.pictures.metadata import (
    SWAPS_SIDES,
    Metadata,
    read_metadata,
    read_turn,
)
from services.resize.pictures.placeholder import placeholder_of
from services.resize.pictures.plain import is_plain
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.scale import resize
from services.resize.pictures.signals import load_signals, read_signal
from services.resize.pictures.truncation import is_cut_short, silent_defects
from services.resize.pictures.values import (
    Credit,
    Developed,
    Fill,
    Format,
    Limits,
    MetadataPolicy,
    Rendition,
    Size,
    Spec,
)
from services.resize.pictures.watermark import watermarked
from shared.contracts.images import FocalPoint, PictureDetails
from shared.errors import PermanentError

__all__ = [
    "ANALYSIS",
    "Developed",
    "Format",
    "Limits",
    "MetadataPolicy",
    "Refusal",
    "Rendition",
    "Spec",
    "develop",
]

UNKNOWN = "it is not known how much of it is missing"
"""How much a truncated file misses, if its format does not show it."""

memory.enable_cache()


def develop(
    original: bytes,
    specs: Sequence[Spec],
    limits: Limits,
    analysis: Spec = ANALYSIS,
    *,
    focal: FocalPoint | None = None,
    metadata: MetadataPolicy = MetadataPolicy.STRIP,
) -> Developed:
    """Create all requested renditions and the picture for the analysis, decoding only once.

    It never enlarges, except for the analysis of a tiny picture. It copies no metadata, except the
    lines of ``Credit`` if ``metadata`` says so. Renditions that cover their box show ``focal``;
    None: the point that ``attention`` finds.

    Raises PermanentError with a code of ``Refusal`` for bytes that it cannot process.
    """
    kind = identify(original, limits.bytes)
    decoded = _decode_safely(kind, original, (*specs, analysis), limits)
    credit = decoded.credit if metadata is MetadataPolicy.COPYRIGHT else Credit()
    renditions, smallest = _cascade(decoded, [*specs, analysis], analysis, focal, credit)
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
        placeholder=placeholder_of(smallest),
    )


def _decode_safely(kind: str, original: bytes, specs: Sequence[Spec], limits: Limits) -> Decoded:
    """Decode a plain file here, and any other or imperfect file in a child process."""
    failure = None
    if is_plain(kind, original):
        try:
            return _decode_here(kind, Repaired(original), specs, limits)
        except _Undecodable as error:
            failure = str(error)
    return _decode_in_a_child(kind, original, specs, limits, failure)


def _decode_in_a_child(
    kind: str, original: bytes, specs: Sequence[Spec], limits: Limits, failure: str | None
) -> Decoded:
    """Decode in a child process that has limits on memory and time.

    ``failure``: the decoder's message, if it has already failed.
    """
    if kind == "HEIC":
        load_heic()
    if kind == "SVG":
        load_svg()
    _load_repair()
    load_signals()

    def work() -> Sequence[bytes]:
        try:
            return pack(_decode_or_repair(kind, original, specs, limits, failure))
        except PermanentError as error:
            return pack_refusal(error)

    memory.release()  # the child process may need this memory
    try:
        return unpack(confined(work, Allowance(limits.memory, limits.seconds)))
    except Stopped as error:
        raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by=error.by) from error


def _decode_or_repair(
    kind: str, original: bytes, specs: Sequence[Spec], limits: Limits, failure: str | None
) -> Decoded:
    """Decode; if that fails, repair the file and decode again, or say why that is impossible."""
    if failure is None:
        try:
            return _decode_here(kind, Repaired(original), specs, limits)
        except _Undecodable as error:
            failure = str(error)
    repair, variant_of = _load_repair()
    if variant := variant_of(kind, original, failure):
        raise refuse(Refusal.UNSUPPORTED_VARIANT, format=kind, variant=variant)
    with suppress(_Undecodable), _decoding(kind):
        if repaired := repair(kind, original):
            return _decode_here(kind, repaired, specs, limits)
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


def _decode_here(kind: str, file: Repaired, specs: Sequence[Spec], limits: Limits) -> Decoded:
    """Decode to an upright sRGB picture, no larger than ``specs`` need.

    Raises _Undecodable if the file is damaged, PermanentError if it is refused.
    """
    with _decoding(kind):
        picture = open_header(kind, file.original, limits)
        size = Size(*picture.size)
        memory.make_room(peak_bytes(kind, picture), limits.memory)
        turn = read_turn(picture)
        target = largest(size, specs)
        if file.profile:
            picture.info["icc_profile"] = file.profile
        signal = read_signal(kind, file.original, picture.info.get("icc_profile"))
        if signal:
            picture.info["icc_profile"] = signal.profile()
        whole = _decode(picture, file.original, target)
        if signal and whole.mode == "L":
            whole = whole.convert("RGB")  # the profile is one of RGB
        metadata = read_metadata(picture, file.original, turn)
        upright = _upright(whole, target, metadata)
    return Decoded(
        image=upright,
        upright_size=_upright_size(size, metadata.turn),
        captured=metadata.captured,
        has_gps=metadata.has_gps,
        details=PictureDetails(
            hdr=signal is not None and signal.is_hdr,
            gain_map=has_gain_map(kind, file.original),
            warnings=codes(file.defects | silent_defects(kind, file.original)),
        ),
        credit=metadata.credit,
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
    picture.load()
    return shrinkable(picture)


def _upright(image: Image.Image, size: Size, metadata: Metadata) -> Image.Image:
    """Resize, convert to sRGB and rotate upright. Resizing first makes the other two cheaper."""
    small = to_srgb(resize(image, size, release_source=True), metadata.profile)
    small.info = {}  # encoders would write some of these comments, EXIF data and profiles
    return small if metadata.turn is None else small.transpose(metadata.turn)


def _cascade(
    decoded: Decoded,
    specs: Sequence[Spec],
    analysis: Spec,
    focal: FocalPoint | None,
    credit: Credit,
) -> tuple[list[Rendition], Image.Image]:
    """Return the renditions in the order of the specs, and the smallest picture.

    Each rendition is made from the next larger picture, of which no part is cut off.
    """
    image, renditions = decoded.image, {}
    sizes = {spec: filling(decoded.upright_size, spec) for spec in specs}
    for spec in sorted(specs, key=lambda spec: -sizes[spec].pixels):
        image = resize(image, sizes[spec])
        if spec is analysis:
            renditions[spec] = for_analysis(image, spec)
            continue
        shown = image
        if spec.fill is Fill.COVER:
            focal = focal or attention(image)
            shown = image.crop(crop_box(sizes[spec], spec, focal))
        renditions[spec] = encode(watermarked(shown, spec.watermark), spec, credit)
    return [renditions[spec] for spec in specs], image


def _upright_size(size: Size, turn: Image.Transpose | None) -> Size:
    """The size of the upright picture. EXIF orientations 5 to 8 swap width and height."""
    return Size(size.height, size.width) if turn in SWAPS_SIDES else size
