"""Caches the memory of processed pictures, and releases it when the next picture needs more.

A warm function is fast because the next picture reuses the memory of the last one. But a decoder
that allocates its own memory, or a child process, cannot use the cache. In a small function both
together could exceed its memory.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

from PIL.Image import core  # type: ignore[attr-defined]  # Pillow's C side, which has no types

from services.resize.pictures.memory_usage import memory_usage

CACHED_BLOCKS = 640
"""Blocks of 256 KB, 160 MB in all: 24 MP decoded, and their first reduction to 2048 pixels."""

RETAINED = 256 * 1024**2
"""Bytes: a WebP of 12 MP takes 200 MB."""

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Options of ``mallopt``: the most free memory at the heap's end, the most blocks outside it."""

_releases: list[Callable[[], object]] = [core.clear_cache]


class _Least:
    """The least resident memory in bytes so far: the interpreter and its libraries."""

    resident: int | None = None


def enable_cache() -> None:
    """Make Pillow cache the memory of pictures, which avoids page faults in a warm function.

    The blocks are small, because Pillow resizes cached blocks to fit each picture. With blocks of
    16 MB that takes a quarter of the time for a picture of 12 MP.
    """
    core.set_block_size(256 * 1024)
    core.set_blocks_max(CACHED_BLOCKS)


@cache
def retain_large_blocks() -> None:
    """Let the C library retain freed blocks of any size, up to ``RETAINED`` bytes in all.

    By default it returns each block of more than 32 MB to the system, and page faults take a fifth
    of the time in which a decoder with memory of its own (WebP) decodes the next 12 MP.
    """
    import ctypes  # noqa: PLC0415 - as in release

    with suppress(AttributeError):  # only glibc has it
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_MMAP_MAX, 0)
        set_option(M_TRIM_THRESHOLD, RETAINED)


def on_release(release_cache: Callable[[], object]) -> None:
    """Register a function that clears another cache of picture memory."""
    _releases.append(release_cache)


def make_room(needed: int, allowed: int) -> None:
    """Release the caches if they and the ``needed`` bytes together exceed the ``allowed`` bytes.

    On systems that do not report resident memory (macOS), nothing is released.
    """
    if not (now := memory_usage()):
        return
    _Least.resident = min(now.resident, _Least.resident or now.resident)
    if now.resident - _Least.resident + needed > allowed:
        release()


def release() -> None:
    """Clear all caches and return the free memory to the system."""
    import ctypes  # noqa: PLC0415 - saves 5 ms of a cold start for ordinary photos

    for release_cache in _releases:
        release_cache()
    with suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
