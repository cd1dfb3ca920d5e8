"""A child that is forked while other threads hold locks does not wait for them."""

import _strptime
import importlib
import io
import logging
import sys
import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime

import pytest

from services.resize.logic import Limits, Spec, develop
from tests.pictures import corners, encoded, exif

pytestmark = pytest.mark.slow

FORKS = 200
PATIENT = Limits(seconds=60)
"""Long enough to distinguish a hanging child from a busy machine."""

LOG = logging.getLogger("tests.forks")
LOG.propagate = False
HANDLER = logging.StreamHandler(io.StringIO())


@pytest.fixture
def picture():
    """A picture for which the child reads all kinds of metadata."""
    metadata = exif(orientation=6, make="Maker", at="2024:05:01 12:30:45", located=True)
    return encoded(corners(), "TIFF", exif=metadata)


@pytest.fixture
def at_work():
    """Threads that constantly take locks, allocate memory and switch."""
    done, interval = threading.Event(), sys.getswitchinterval()
    threads = [threading.Thread(target=repeat, args=(work, done)) for work in WORK]
    LOG.addHandler(HANDLER)
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    yield threads
    done.set()
    for thread in threads:
        thread.join(60)
    sys.setswitchinterval(interval)
    LOG.removeHandler(HANDLER)


def repeat(work, done):
    while not done.wait(0.002):
        work()


WORK = (
    lambda: LOG.warning("at work"),
    lambda: [datetime.strptime("2024", "%Y") for _ in range(20)],  # noqa: DTZ007 - for its lock
    lambda: [bytes(2**16) for _ in range(8)],
    lambda: importlib.reload(wave),
    lambda: encoded(corners(), "JPEG"),
)


def captured_at(original):
    return develop(original, [Spec("one", 64)], PATIENT).captured.at


def test_no_child_hangs_while_threads_run(picture, at_work):
    times = {captured_at(picture) for _ in range(FORKS)}
    assert times == {"2024-05-01T12:30:45"}
    assert all(thread.is_alive() for thread in at_work)


@pytest.mark.parametrize(
    "lock",
    [_strptime._cache_lock, HANDLER.lock],
    ids=["strptime", "a log handler"],
)
def test_a_lock_held_at_the_fork_does_not_block_the_child(picture, lock):
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait(60)

    with ExitStack() as ending:
        thread = threading.Thread(target=hold)
        ending.callback(thread.join, 60)
        ending.callback(done.set)
        thread.start()
        assert held.wait(60)
        assert captured_at(picture) == "2024-05-01T12:30:45"


def test_concurrent_pictures_do_not_affect_each_other(picture):
    with ThreadPoolExecutor(4) as pool:
        times = list(pool.map(captured_at, [picture] * 20))
    assert times == ["2024-05-01T12:30:45"] * 20
