"""The settings of ``store`` and their defaults."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from services.store.logic import Policy
from shared.config import ServiceSettings
from shared.contracts.cost import Rates


def read_rates(text: object) -> object:
    """Rates from JSON; None for an empty string."""
    return Rates.model_validate_json(text) if isinstance(text, str) and text else text or None


class StoreSettings(ServiceSettings):
    """The bucket of the results, the policy for flagged pictures, TTL and rates."""

    processed_bucket: str
    moderation: Policy = Policy.FLAG
    tombstone_days: int = Field(default=180, ge=1)
    rates: Annotated[Rates | None, BeforeValidator(read_rates)] = None
    """As JSON. Without rates no cost is estimated."""
