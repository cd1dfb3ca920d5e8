"""What ``notify`` does with a verdict. There is nothing to unmake: what is told is told."""

from dataclasses import dataclass

from services.notify import logic
from services.notify.topic import Notifications
from shared import telemetry
from shared.consumer import Turn
from shared.contracts.images import Verdict
from shared.contracts.notification import Notification
from shared.metrics import EFFECTS


@dataclass(frozen=True)
class Steps:
    """Telling people and systems how a run ended."""

    notifications: Notifications

    def tell(self, verdict: Verdict, turn: Turn) -> None:
        """Tell it once, under the verdict's own id."""
        words = logic.word(Notification.of(verdict, turn.envelope.id))
        turn.confirm()
        self.notifications.send(words)
        telemetry.count("sent a notification", EFFECTS)
        telemetry.wants(1)
