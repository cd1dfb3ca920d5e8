"""A value that is created once, at its first use; safe for several threads."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """Call it to get the value. Other threads wait while one creates it."""

    def __init__(self, create: Callable[[], T]) -> None:
        self._create = create
        self._value: T | None = None
        self._lock = Lock()

    def __call__(self) -> T:
        with self._lock:
            if self._value is None:
                self._value = self._create()
            return self._value
