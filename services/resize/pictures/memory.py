"""What earlier pictures left in this process, and giving it back where the next one needs it.

A warm function is fast because the memory of its last picture is kept for the next. But kept memory
is of no use to a decoder that asks for its own, nor to a child process: in a small function the two
together would be more than there is, and the next picture would be blamed for it.
"""

from collections.abc import Callable
from contextlib import suppress

from PIL.Image import core  # type: ignore[attr-defined]  # Pillow's C side, which has no types

from services.resize.pictures.held import held

KEPT_BLOCKS = 640
"""Of 256 KB, 160 MB in all: what 24 MP take, decoded whole, and their first step to 2048 px."""

_givers: list[Callable[[], object]] = [core.clear_cache]


class _Least:
    """Bytes that were resident when fewest were: the interpreter and its libraries."""

    resident: int | None = None


def keep() -> None:
    """From now on what a picture held is kept for the next: no page faults in a warm function.

    The blocks are small, because Pillow fits a kept one to each picture, and the ends of 16 MB
    would come and go: a quarter of the time for a picture of 12 MP.
    """
    core.set_block_size(256 * 1024)
    core.set_blocks_max(KEPT_BLOCKS)


def given_back_by(give: Callable[[], object]) -> None:
    """Register whatever else keeps the memory of pictures, by what makes it drop that."""
    _givers.append(give)


def make_room(needed: int, allowed: int) -> None:
    """Give back what is kept, unless so many bytes fit beside it into what all may take together.

    Where the system does not say what is resident (macOS), nothing is given back.
    """
    if not (now := held()):
        return
    _Least.resident = min(now.resident, _Least.resident or now.resident)
    if now.resident - _Least.resident + needed > allowed:
        release()


def release() -> None:
    """Give back all that is kept, to the system too: what is freed alone stays the process's."""
    import ctypes  # noqa: PLC0415 - 5 ms of a cold start that an ordinary photo need not pay

    for give in _givers:
        give()
    with suppress(AttributeError):  # glibc has it, others do not
        ctypes.CDLL(None).malloc_trim(0)
