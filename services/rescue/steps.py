"""What ``rescue`` does with a dead letter: store it first, then report it."""

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
    """Stores and counts dead letters, and reports those that would leave a run open forever."""

    processed: Objects
    bus: Bus
    now: Callable[[], datetime]

    def rescue(self, message: Message) -> RetryLater | None:
        """Store the raw message, then report each fact in it. Idempotent."""
        letter = DeadLetter.of(message)
        self.processed.put(letter.key, letter.to_json().encode(), "application/json")
        self.bus.publish(list(self._reports(letter)))
        telemetry.count(
            "dead letter stored", DEAD_LETTERS, service=letter.service, reason=letter.reason
        )
        return None

    def _reports(self, letter: DeadLetter) -> Iterator[Envelope]:
        """Report only events that a step handles for an open run.

        An outcome is never reported: its run has ended, and the report would cause the same outcome
        again.
        """
        gave_up = GiveUp(letter.reason, letter.detail, Fault.INTERNAL)
        for envelope in readable(letter.message.body) if letter.reportable else ():
            if isinstance(envelope.data, Fact):
                report = report_on(envelope.data, letter.service, gave_up)
                yield envelope.caused(report, SOURCE, 0, self.now())
