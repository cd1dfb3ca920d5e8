"""What can be set about ``store``, and its defaults."""

from typing import Annotated

from pydantic import BeforeValidator

from services.store.logic import Policy
from shared.config import ServiceSettings
from shared.contracts.cost import Rates


def read_rates(words: object) -> object:
    """Rates as JSON; nothing at all means that there are none."""
    return Rates.model_validate_json(words) if isinstance(words, str) and words else words or None


class StoreSettings(ServiceSettings):
    """The bucket that results are projected to, what becomes of a flagged picture, and what an
    image costs.
    """

    processed_bucket: str
    moderation: Policy = Policy.FLAG
    rates: Annotated[Rates | None, BeforeValidator(read_rates)] = None
    """JSON. Without them no estimate is made."""
