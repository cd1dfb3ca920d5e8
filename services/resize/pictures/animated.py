"""Creates the animated renditions, frame by frame."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.resize.pictures.animation import Motion
from services.resize.pictures.cascade import shapes
from services.resize.pictures.encode import AnimatedWebP
from services.resize.pictures.frames import Frame
from services.resize.pictures.geometry import filling
from services.resize.pictures.values import Credit, Fill, Format, Rendition, Size, Spec
from shared.contracts.images import FocalPoint

FORMATS = frozenset({Format.AUTO, Format.WEBP})

TOO_COSTLY = "animation-too-costly"
"""A warning: the renditions are stills, because the animation exceeds a limit."""

NOT_DECODABLE = "animation-not-decodable"
"""A warning: the renditions are stills, because no decoder reads the frames."""

DAMAGED = "animation-damaged"
"""A warning: frames are missing from the renditions."""

LONGEST = 2**24
"""Milliseconds of one pass, 4.7 hours: the limit of a frame's delay in WebP."""


@dataclass(frozen=True)
class Allowed:
    """The limits. ``pixels``: frames times pixels. ``deadline``: of ``time.monotonic``."""

    pixels: int
    deadline: float


@dataclass(frozen=True)
class Animated:
    """The animated renditions; without them, the renditions are stills."""

    renditions: tuple[Rendition, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Animator:
    """Creates the animated renditions of an original of this upright size."""

    motion: Motion
    size: Size
    focal: FocalPoint
    credit: Credit
    allowed: Allowed

    def animated(self, frames: Iterable[Frame], specs: Sequence[Spec]) -> Animated:
        """Encode the frames, upright and in sRGB, for the specs that ask for an animation.

        The result ends before the first damaged frame, as in browsers.
        """
        unnamed = {spec: self._unnamed(spec) for spec in specs if _animates(spec)}
        unique = tuple(dict.fromkeys(unnamed.values()))
        if not unique or not self.motion.moves:
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
        count = 0
        for frame in _until_damage(frames):
            if time.monotonic() > self.allowed.deadline:
                raise TimeoutError
            for spec, _, shown in shapes(frame.image, self.size, specs, self.focal):
                if spec not in encoders:
                    size = Size(*shown.size)
                    plays = self.motion.plays
                    encoders[spec] = AnimatedWebP(size, spec.quality, plays, self.credit)
                encoders[spec].add(shown, frame.milliseconds)
            count += 1
        return {spec: encoder.rendition() for spec, encoder in encoders.items()}, count

    def _is_allowed(self, specs: Sequence[Spec]) -> bool:
        sizes = [self.size, *(filling(self.size, spec) for spec in specs)]
        return (
            self.motion.counted
            and self.motion.milliseconds < LONGEST
            and sum(map(self.motion.cost, sizes)) <= self.allowed.pixels
        )

    def _unnamed(self, spec: Spec) -> Spec:
        """The spec for all with the same result, because small pictures are not enlarged."""
        side = spec.side
        if spec.height is None and spec.fill is Fill.FIT:
            side = min(side, max(self.size))
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
