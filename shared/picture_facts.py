"""The details of an original in words, for e-mails and terminals."""

from collections.abc import Iterator

from shared.contracts.images import PictureDetails


def picture_facts(details: PictureDetails | None) -> Iterator[str]:
    """A phrase for each fact; none for an ordinary picture without defects."""
    if details is None:
        return
    if details.hdr:
        yield "HDR, tone-mapped to sRGB"
    if details.gain_map:
        yield "gain map dropped"
    if details.animated:
        yield _animation(details)
    if details.warnings:
        yield f"warnings: {', '.join(details.warnings)}"


def _animation(details: PictureDetails) -> str:
    """The animation as in ``animated, 12 frames, 1.2 s``."""
    seconds = () if details.duration is None else (f"{round(details.duration, 2):g} s",)
    return ", ".join(("animated", f"{details.frames} frames", *seconds))
