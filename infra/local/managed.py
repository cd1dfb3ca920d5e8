"""The base class of servers that run within a ``with`` block."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from infra.terminal import Say


class Managed(ABC):
    """A server that starts and stops with its ``with`` block."""

    @abstractmethod
    def start(self, say: Say = print) -> bool:
        """Start it; false if it was running already. InfraError if it does not start."""

    @abstractmethod
    def stop(self) -> bool:
        """Stop it; false if it was not running."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
