"""What ``notify`` does with an outcome. A notification that was sent cannot be compensated."""

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
    """Notifies people and systems of how a run ended."""

    notifications: Notifications

    def notify(self, decision: Decision, context: StepContext) -> None:
        """Send one notification with the event's id."""
        message = logic.render(Notification.of(decision, context.envelope.id))
        context.ensure_lease()
        self.notifications.send(message)
        telemetry.count("notification sent", EFFECTS)
        telemetry.expect_effects(1)
