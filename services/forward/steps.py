"""What ``forward`` does with a verdict. There is nothing to compensate: what is told is told."""

from dataclasses import dataclass

from services.forward import logic
from services.forward.bridge import Bridge
from shared.contracts.images import Decision
from shared.delivery import StepContext


@dataclass(frozen=True)
class Steps:
    """Handing on how a run ended."""

    bridge: Bridge
    stage: str

    def tell(self, _: Decision, context: StepContext) -> None:
        """Hand it on once, under the verdict's own id."""
        context.ensure_lease()
        self.bridge.put(logic.entry(context.envelope, self.stage))
