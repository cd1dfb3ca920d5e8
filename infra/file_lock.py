"""A lock between processes, for work that two of them must not do at once.

Only the standard library: infra.environments uses it before any package is installed.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"


@contextmanager
def exclusive_lock(directory: Path) -> Iterator[None]:
    """Lock ``directory`` and create it if it is missing; a second process waits for the first.

    The kernel releases the lock when the process ends, even if it is killed. The file ``lock``
    stays.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
