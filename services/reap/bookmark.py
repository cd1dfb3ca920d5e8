"""Where a sweep that ran out of time goes on: one small object."""

from dataclasses import dataclass

from pydantic import ValidationError

from services.reap.logic import BEGINNING, Position
from shared.objects import Objects
from shared.telemetry import log

KEY = "reap/position.json"


@dataclass(frozen=True)
class Bookmark:
    """Of two sweeps at once, the one that writes last decides where the next one goes on. Each
    writes only what it has come to itself, so nothing is left out: some pages are read twice.
    """

    kept: Objects

    def read(self) -> Position:
        """Where to go on; the beginning if nobody can tell."""
        for key in self.kept.keys(KEY):
            try:
                return Position.model_validate_json(self.kept.get(key).body)
            except ValidationError:
                log.warning("an unreadable bookmark: from the beginning")
        return BEGINNING

    def keep(self, position: Position) -> None:
        self.kept.put(KEY, position.model_dump_json().encode(), "application/json")
