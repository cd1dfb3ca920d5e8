"""What ``rescue`` does with a dead letter: keep it first, then report what it was killed with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.rescue.logic import DeadLetter
from shared import telemetry
from shared.bus import Bus
from shared.contracts.envelope import Envelope
from shared.contracts.images import Fact
from shared.delivery import RetryLater, report_on
from shared.errors import Fault
from shared.message import Message, readable
from shared.metrics import DEAD_LETTERS
from shared.objects import Objects
from shared.retries import GiveUp

SOURCE = "darkroom/rescue"


@dataclass(frozen=True)
class Steps:
    """Dead letters: kept, counted, and reported where a run would otherwise wait for ever."""

    kept: Objects
    bus: Bus
    now: Callable[[], datetime]

    def rescue(self, message: Message) -> RetryLater | None:
        """Keep the raw message, then report each fact in it. May be run any number of times."""
        letter = DeadLetter.of(message)
        self.kept.put(letter.key, letter.to_json().encode(), "application/json")
        self.bus.publish(list(self._reports(letter)))
        telemetry.count(
            "kept a dead letter", DEAD_LETTERS, service=letter.service, reason=letter.reason
        )
        return None

    def _reports(self, letter: DeadLetter) -> Iterator[Envelope]:
        """Only what a step was to do for a run is reported.

        A message that answers a verdict never is: its run has ended, and a report would go round
        in circles.
        """
        gave_up = GiveUp(letter.reason, letter.detail, Fault.INTERNAL)
        for envelope in readable(letter.message.body) if letter.reportable else ():
            if isinstance(envelope.data, Fact):
                report = report_on(envelope.data, letter.service, gave_up)
                yield envelope.caused(report, SOURCE, 0, self.now())
