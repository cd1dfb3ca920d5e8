"""Decodes an original to an upright picture in sRGB, in this process or in a child."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from PIL import Image, ImageFile

from services.resize.pictures import jpeg, memory, webp
from services.resize.pictures.colour import shrinkable, to_srgb
from services.resize.pictures.confined import Allowance, Stopped, confined, deadline_in
from services.resize.pictures.decoded import (
    Allowed,
    Decoded,
    Moving,
    Target,
    pack,
    pack_refusal,
    unpack,
)
from services.resize.pictures.defects import Repaired, Truncated, codes
from services.resize.pictures.gain_map import has_gain_map
from services.resize.pictures.geometry import largest
from services.resize.pictures.header import load_heic, load_svg, open_header, peak_bytes
from services.resize.pictures.metadata import (
    SWAPS_SIDES,
    Metadata,
    read_metadata,
    read_turn,
)
from services.resize.pictures.plain import is_plain
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.scale import resize
from services.resize.pictures.signals import load_signals, read_signal
from services.resize.pictures.truncation import is_cut_short, silent_defects
from services.resize.pictures.values import Credit, Job, MetadataPolicy, Size
from shared.errors import PermanentError

UNKNOWN = "it is not known how much of it is missing"
"""How much a truncated file misses, if its format does not show it."""

Animate = Callable[[str, bytes, ImageFile.ImageFile, Target, Allowed], Moving]
"""``animated.animate``"""

MAY_MOVE = frozenset({"GIF", "PNG", "WEBP", "AVIF", "HEIC"})
"""Formats of animations; other files need not load ``animate``."""

ANIMATION_SHARE = 0.75
"""Of the seconds for decoding. An animation that takes longer becomes a still."""


class _Undecodable(Exception):
    """The decoder fails. The message is the decoder's."""


def decode(kind: str, original: bytes, job: Job) -> Decoded:
    """Decode a plain file here, and any other or imperfect file in a child process.

    Raises PermanentError with a code of ``Refusal`` for bytes that it cannot process.
    """
    failure = None
    if is_plain(kind, original):
        try:
            return _decode_here(kind, Repaired(original), job)
        except _Undecodable as error:
            failure = str(error)
    return _decode_in_a_child(kind, original, job, failure)


def _decode_in_a_child(kind: str, original: bytes, job: Job, failure: str | None) -> Decoded:
    """Decode in a child process that has limits on memory and time.

    ``failure``: the decoder's message, if it has already failed.
    """
    if kind == "HEIC":
        load_heic()
    if kind == "SVG":
        load_svg()
    if kind in MAY_MOVE:
        _load_animate()
    _load_repair()
    load_signals()

    def work() -> Sequence[bytes]:
        try:
            return pack(_decode_or_repair(kind, original, job, failure))
        except PermanentError as error:
            return pack_refusal(error)

    memory.release()  # the child process may need this memory
    try:
        return unpack(confined(work, Allowance(job.limits.memory, job.limits.seconds)))
    except Stopped as error:
        raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by=error.by) from error


def _decode_or_repair(kind: str, original: bytes, job: Job, failure: str | None) -> Decoded:
    """Decode; if that fails, repair the file and decode again, or say why that is impossible."""
    animate = _load_animate() if kind in MAY_MOVE else None
    if failure is None:
        try:
            return _decode_here(kind, Repaired(original), job, animate)
        except _Undecodable as error:
            failure = str(error)
    repair, variant_of = _load_repair()
    if variant := variant_of(kind, original, failure):
        raise refuse(Refusal.UNSUPPORTED_VARIANT, format=kind, variant=variant)
    with suppress(_Undecodable), _decoding(kind):
        if repaired := repair(kind, original):
            return _decode_here(kind, repaired, job, animate)
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


def _load_animate() -> Animate:
    """It is loaded before a fork, like HEIC's opener."""
    from services.resize.pictures.animated import animate  # noqa: PLC0415 - see its module

    return animate


def _decode_here(kind: str, file: Repaired, job: Job, animate: Animate | None = None) -> Decoded:
    """Decode to an upright sRGB picture, no larger than the specs need.

    Of an animation, this is the still; ``animate`` chooses it and creates animated renditions.
    Raises _Undecodable if the file is damaged, PermanentError if it is refused.
    """
    deadline = deadline_in(job.limits.seconds * ANIMATION_SHARE)
    original = file.original
    with _decoding(kind):
        if kind == "WEBP":
            memory.retain_large_blocks()
        picture = open_header(kind, original, job.limits)
        size = Size(*picture.size)
        memory.make_room(peak_bytes(kind, picture), job.limits.memory)
        turn = read_turn(picture)
        if file.profile:
            picture.info["icc_profile"] = file.profile
        signal = read_signal(kind, original, picture.info.get("icc_profile"))
        if signal:
            picture.info["icc_profile"] = signal.profile()
        target = largest(size, job.specs)
        whole = _load(picture, original, target)
        metadata = read_metadata(picture, original, turn)
        credit = metadata.credit if job.metadata is MetadataPolicy.COPYRIGHT else Credit()
        upright = partial(_upright, size=target, metadata=metadata)
        upright_size = _upright_size(size, turn)
        moving = Moving()
        if animate:
            wanted = Target(upright_size, job.specs, upright, job.focal, credit)
            allowed = Allowed(job.limits.animation_pixels, deadline)
            moving = animate(kind, original, picture, wanted, allowed)
        image = upright(moving.still or whole)
    defects = file.defects | silent_defects(kind, original)
    warned = dict.fromkeys((*codes(defects), *moving.details.warnings))
    return Decoded(
        image=image,
        upright_size=upright_size,
        captured=metadata.captured,
        has_gps=metadata.has_gps,
        details=replace(
            moving.details,
            hdr=signal is not None and signal.is_hdr,
            gain_map=has_gain_map(kind, original),
            warnings=tuple(warned),
        ),
        credit=credit,
        animated=moving.renditions,
    )


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


def _load(picture: ImageFile.ImageFile, original: bytes, target: Size) -> Image.Image:
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


def _upright_size(size: Size, turn: Image.Transpose | None) -> Size:
    """The size of the upright picture. EXIF orientations 5 to 8 swap width and height."""
    return Size(size.height, size.width) if turn in SWAPS_SIDES else size
