"""Where the next sweep continues: one small object in the processed bucket."""

from dataclasses import dataclass

from pydantic import ValidationError

from services.reap.logic import BEGINNING, Position
from shared.objects import Objects
from shared.telemetry import log

KEY = "reap/position.json"


@dataclass(frozen=True)
class Bookmark:
    """The position that the last sweep reached.

    If two sweeps run at once, the one that writes last sets the position. Each writes only what it
    has reached itself, so some pages are read twice and none is skipped.
    """

    processed: Objects

    def read(self) -> Position:
        """The stored position; the beginning if there is none or it is unreadable."""
        for key in self.processed.keys(KEY):
            try:
                return Position.model_validate_json(self.processed.get(key).body)
            except ValidationError:
                log.warning("unreadable bookmark; starting from the beginning")
        return BEGINNING

    def write(self, position: Position) -> None:
        self.processed.put(KEY, position.model_dump_json().encode(), "application/json")
