"""What can be set about ``store``, and its defaults."""

from pydantic import Field

from services.store.logic import Policy
from shared.config import ServiceSettings


class StoreSettings(ServiceSettings):
    """Where results are projected to, what becomes of a flagged picture, and how long a deletion
    is remembered.
    """

    processed_bucket: str
    moderation: Policy = Policy.FLAG
    tombstone_days: int = Field(default=180, ge=1)
