"""What can be set about ``store``, and its defaults."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.store.logic import Policy
from shared.config import ServiceSettings
from shared.contracts.cost import Rates


def read_rates(words: object) -> object:
    """Rates as JSON; nothing at all means that there are none."""
    return Rates.model_validate_json(words) if isinstance(words, str) and words else words or None


class StoreSettings(ServiceSettings):
    """Where results are projected to, what becomes of a flagged picture, how long a deletion is
    remembered, and what an image costs.
    """

    processed_bucket: str
    moderation: Policy = Policy.FLAG
    tombstone_days: int = Field(default=180, ge=1)
    rates: Annotated[Rates | None, BeforeValidator(read_rates)] = None
    """JSON. Without them no estimate is made."""
