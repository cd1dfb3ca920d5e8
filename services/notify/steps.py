"""What ``notify`` does with a verdict. There is nothing to compensate: what is told is told."""

from dataclasses import dataclass

from services.notify import logic
from services.notify.topic import Notifications
from shared import telemetry
from shared.contracts.images import Decision
from shared.contracts.notification import Notification
from shared.delivery import StepContext
from shared.metrics import EFFECTS


@dataclass(frozen=True)
class Steps:
    """Telling people and systems how a run ended."""

    notifications: Notifications

    def tell(self, verdict: Decision, context: StepContext) -> None:
        """Tell it once, under the verdict's own id."""
        words = logic.word(Notification.of(verdict, context.envelope.id))
        context.ensure_lease()
        self.notifications.send(words)
        telemetry.count("sent a notification", EFFECTS)
        telemetry.expect_effects(1)
