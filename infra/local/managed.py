"""What can be started and stopped, and so can be used as a context."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from infra.terminal import Say


class Managed(ABC):
    """Runs for as long as its ``with`` block does."""

    @abstractmethod
    def start(self, say: Say = print) -> bool:
        """Start it; false if it was running already. InfraError if it does not come up."""

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
