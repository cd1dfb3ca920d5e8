"""What ``forward`` does with an outcome. A forwarded event cannot be compensated."""

from dataclasses import dataclass

from services.forward import logic
from services.forward.bridge import Bridge
from shared.contracts.images import Decision
from shared.delivery import StepContext


@dataclass(frozen=True)
class Steps:
    """Forwards how a run ended."""

    bridge: Bridge
    stage: str

    def forward(self, _: Decision, context: StepContext) -> None:
        """Put one entry with the event's id."""
        context.ensure_lease()
        self.bridge.put(logic.entry(context.envelope, self.stage))
