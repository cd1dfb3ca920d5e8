"""Creates the animated renditions, frame by frame.

It is imported only for files that may move, which saves 3 ms of other cold starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from PIL import ImageFile

from services.resize.pictures.animation import (
    Motion,
    frames_of,
    is_composed,
    motion_of,
    still_of,
)
from services.resize.pictures.attention import attention
from services.resize.pictures.cascade import shapes
from services.resize.pictures.confined import is_past
from services.resize.pictures.decoded import Allowed, Moving, Target
from services.resize.pictures.defects import Defect
from services.resize.pictures.encode import AnimatedWebP
from services.resize.pictures.frames import Frame
from services.resize.pictures.geometry import filling
from services.resize.pictures.values import Fill, Format, PictureDetails, Rendition, Size, Spec

FORMATS = frozenset({Format.AUTO, Format.WEBP})

TOO_COSTLY = "animation-too-costly"
"""A warning: the renditions are stills, because the animation exceeds a limit."""

NOT_DECODABLE = "animation-not-decodable"
"""A warning: the renditions are stills, because no decoder reads the frames."""

NOT_COUNTED = "frames-not-counted"
"""A warning: the file has more frames than were counted."""

DAMAGED = Defect.DAMAGED_ANIMATION.code
"""A warning: frames are missing from the renditions."""

LONGEST = 2**24
"""Milliseconds of one pass, 4.7 hours: the limit of a frame's delay in WebP."""


def animate(
    kind: str, original: bytes, picture: ImageFile.ImageFile, target: Target, allowed: Allowed
) -> Moving:
    """Count the frames, choose the still, and create the animated renditions that are wanted."""
    motion = motion_of(kind, original)
    still = None
    if is_composed(kind, original, motion):
        still = still_of(kind, original, picture, allowed.pixels)
    if not motion.moves:
        return Moving(still=still)
    frames = frames_of(kind, original, picture)
    made, warnings = Animator(motion, target, allowed).animated(frames)
    details = PictureDetails(
        animated=True,
        frames=motion.frames,
        duration=round(motion.milliseconds / 1000, 3),
        warnings=warnings if motion.counted else (NOT_COUNTED, *warnings),
    )
    return Moving(details, still, made)


class Animated(NamedTuple):
    """The animated renditions; without them, the renditions are stills. ``warnings``: why."""

    renditions: tuple[Rendition, ...] = ()
    warnings: tuple[str, ...] = ()


class Animator(NamedTuple):
    """Creates the animated renditions."""

    motion: Motion
    target: Target
    allowed: Allowed

    def animated(self, frames: Iterable[Frame]) -> Animated:
        """Encode the frames for the specs that ask for an animation.

        The result ends before the first damaged frame, as in browsers.
        """
        unnamed = {spec: self._unnamed(spec) for spec in self.target.specs if _animates(spec)}
        unique = tuple(dict.fromkeys(unnamed.values()))
        if not unique:
            return Animated()
        if not self.motion.decodable:
            return Animated(warnings=(NOT_DECODABLE,))
        if not self._is_allowed(unique):
            return Animated(warnings=(TOO_COSTLY,))
        try:
            made, count = self._encode(frames, unique)
        except (MemoryError, TimeoutError):
            return Animated(warnings=(TOO_COSTLY,))
        warnings = (DAMAGED,) if count < self.motion.frames else ()
        if count <= 1:
            return Animated(warnings=warnings)
        renditions = (replace(made[same], name=spec.name) for spec, same in unnamed.items())
        return Animated(tuple(renditions), warnings)

    def _encode(
        self, frames: Iterable[Frame], specs: Sequence[Spec]
    ) -> tuple[dict[Spec, Rendition], int]:
        """The renditions, and the number of their frames. Raises TimeoutError and MemoryError."""
        encoders: dict[Spec, AnimatedWebP] = {}
        count, focal = 0, self.target.focal
        for frame in _until_damage(frames):
            if is_past(self.allowed.deadline):
                raise TimeoutError
            upright = self.target.upright(frame.image)
            focal = focal or attention(upright)  # the same for all frames
            for spec, _, shown in shapes(upright, self.target.size, specs, focal):
                if spec not in encoders:
                    size = Size(*shown.size)
                    plays = self.motion.plays
                    encoders[spec] = AnimatedWebP(size, spec.quality, plays, self.target.credit)
                encoders[spec].add(shown, frame.milliseconds)
            count += 1
        return {spec: encoder.rendition() for spec, encoder in encoders.items()}, count

    def _is_allowed(self, specs: Sequence[Spec]) -> bool:
        size = self.target.size
        sizes = [size, *(filling(size, spec) for spec in specs)]
        return (
            self.motion.counted
            and self.motion.milliseconds < LONGEST
            and sum(map(self.motion.cost, sizes)) <= self.allowed.pixels
        )

    def _unnamed(self, spec: Spec) -> Spec:
        """The spec for all with the same result, because small pictures are not enlarged."""
        side = spec.side
        if spec.height is None and spec.fill is Fill.FIT:
            side = min(side, max(self.target.size))
        return replace(spec, name="", format=Format.WEBP, side=side)


def _animates(spec: Spec) -> bool:
    return spec.animated and spec.format in FORMATS


def _until_damage(frames: Iterable[Frame]) -> Iterator[Frame]:
    try:
        yield from frames
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - malicious bytes can cause any exception
        return
