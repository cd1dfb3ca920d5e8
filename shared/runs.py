"""What a step asks about its run before it acts."""

from typing import Protocol

from shared.contracts.record import RunStatus


class Runs(Protocol):
    """Answers from the record; ``shared.records`` implements it."""

    def status(self, image: str, run: int) -> RunStatus:
        """The status of a run; strongly consistent."""
        ...

    def resized(self, image: str, run: int) -> bool:
        """Whether the record holds the run's ``image.resized``; strongly consistent.

        From then on every event that compensates the run carries the original's sha256. The reuse
        entry is found by that hash (``services/analyze/reuse.py``), and can so be removed.
        """
        ...
