"""Creates renditions from the bytes of an original. Pure: it calls no cloud service.

``develop`` lists the steps in their order.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from PIL import Image, ImageFile

from services.resize.pictures import jpeg, memory
from services.resize.pictures.analysis import ANALYSIS, for_analysis
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
from services.resize.pictures.encode import encode
from services.resize.pictures.fingerprint import fingerprint_of
from services.resize.pictures.geometry import fit
from services.resize.pictures.header import identify, load_heic, open_header, peak_bytes
from services.resize.pictures.metadata import SWAPS_SIDES, Metadata, read_metadata
from services.resize.pictures.plain import is_plain
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.scale import resize
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

Animate = Callable[[str, bytes, ImageFile.ImageFile, Target, Allowed], Moving]
"""``animated.animate``"""

MAY_MOVE = frozenset({"GIF", "PNG", "WEBP", "AVIF", "HEIC"})
"""Formats of animations; other files need not load ``animate``."""

ANIMATION_SHARE = 0.75
"""Of the seconds for decoding. An animation that takes longer becomes a still."""

memory.enable_cache()


def develop(
    original: bytes, specs: Sequence[Spec], limits: Limits, analysis: Spec = ANALYSIS
) -> Developed:
    """Create all requested renditions and the picture for the analysis, decoding only once.

    It never enlarges, except for the analysis of a tiny picture. It copies no metadata.

    Raises PermanentError with a code of ``Refusal`` for bytes that it cannot process.
    """
    kind = identify(original, limits.bytes)
    decode = _decode_here if is_plain(kind, original) else _decode_in_a_child
    decoded = decode(kind, original, [*specs, analysis], limits)
    renditions, smallest = _cascade(decoded, [*specs, analysis], analysis)
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


def _decode_in_a_child(
    kind: str, original: bytes, specs: Sequence[Spec], limits: Limits
) -> Decoded:
    """Decode in a child process that has limits on memory and time."""
    if kind == "HEIC":
        load_heic()
    animate = _load_animate() if kind in MAY_MOVE else None

    def work() -> Sequence[bytes]:
        try:
            return pack(_decode_here(kind, original, specs, limits, animate))
        except PermanentError as error:
            return pack_refusal(error)

    memory.release()  # the child process may need this memory
    try:
        return unpack(confined(work, Allowance(limits.memory, limits.seconds)))
    except Stopped as error:
        raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by=error.by) from error


def _load_animate() -> Animate:
    """It is loaded before a fork, because a child must not import modules."""
    from services.resize.pictures.animated import animate  # noqa: PLC0415 - see its module

    return animate


def _decode_here(
    kind: str,
    original: bytes,
    specs: Sequence[Spec],
    limits: Limits,
    animate: Animate | None = None,
) -> Decoded:
    """Decode to an upright sRGB picture, no larger than the largest spec.

    Of an animation, this is the still; ``animate`` chooses it and creates animated renditions.
    """
    deadline = deadline_in(limits.seconds * ANIMATION_SHARE)
    with _decoding(kind, original):
        picture = open_header(kind, original, limits)
        size = Size(*picture.size)
        memory.make_room(peak_bytes(kind, size), limits.memory)
        small = fit(size, max(spec.side for spec in specs))
        whole = _decode(picture, original, small)
        metadata = read_metadata(picture)
        upright = partial(_upright, size=small, metadata=metadata)
        upright_size = _upright_size(size, metadata.turn)
        moving = Moving()
        if animate:
            target = Target(upright_size, specs, upright, _shapes)
            allowed = Allowed(limits.animation_pixels, deadline)
            moving = animate(kind, original, picture, target, allowed)
        image = upright(moving.still or whole)
    return Decoded(
        image=image,
        upright_size=upright_size,
        captured=metadata.captured,
        has_gps=metadata.has_gps,
        details=moving.details,
        animated=moving.renditions,
    )


@contextmanager
def _decoding(kind: str, original: bytes) -> Iterator[None]:
    """Turn every error into a refusal: the file is corrupt, truncated or too costly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about unusual metadata
        try:
            yield
        except PermanentError:
            raise
        except MemoryError as error:
            raise refuse(Refusal.TOO_COSTLY, format=kind, stopped_by="memory") from error
        except Exception as error:  # malicious bytes can cause any exception
            truncated = is_cut_short(kind, original)
            raise refuse(
                Refusal.TRUNCATED if truncated else Refusal.CORRUPT, format=kind
            ) from error


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
    decoded: Decoded, specs: Sequence[Spec], analysis: Spec
) -> tuple[list[Rendition], Image.Image]:
    """Return the renditions in the order of the specs, and the smallest picture."""
    animated = {rendition.name: rendition for rendition in decoded.animated}
    renditions, smallest = {}, decoded.image
    for spec, smallest in _shapes(smallest, decoded.upright_size, specs):  # noqa: B020 - the last
        if spec is analysis:
            renditions[spec] = for_analysis(smallest, spec)
        else:
            renditions[spec] = animated.get(spec.name) or encode(smallest, spec)
    return [renditions[spec] for spec in specs], smallest


def _shapes(
    image: Image.Image, full_size: Size, specs: Sequence[Spec]
) -> Iterator[tuple[Spec, Image.Image]]:
    """The picture at the size of each spec. Each is made from the next larger one."""
    for spec in sorted(specs, key=lambda spec: -spec.side):
        image = resize(image, fit(full_size, spec.side))
        yield spec, image


def _upright_size(size: Size, turn: Image.Transpose | None) -> Size:
    """The size of the upright picture. EXIF orientations 5 to 8 swap width and height."""
    return Size(size.height, size.width) if turn in SWAPS_SIDES else size
