"""One process at a time where two would spoil each other's work.

Only the standard library here: what makes the project's own environment needs it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"


@contextmanager
def exclusive_lock(directory: Path) -> Iterator[None]:
    """Have ``directory``, made if need be, to oneself: a second process waits for the first.

    The kernel lets go of the lock when the process ends, however it ends. The file ``lock`` stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
