"""What ``forward`` does with a verdict. There is nothing to unmake: what is told is told."""

from dataclasses import dataclass

from services.forward import logic
from services.forward.bridge import Bridge
from shared.consumer import Turn
from shared.contracts.images import Verdict


@dataclass(frozen=True)
class Steps:
    """Handing on how a run ended."""

    bridge: Bridge
    stage: str

    def tell(self, _: Verdict, turn: Turn) -> None:
        """Hand it on once, under the verdict's own id."""
        turn.confirm()
        self.bridge.put(logic.entry(turn.envelope, self.stage))
