"""What can be set about ``store``, and its defaults."""

from services.store.logic import Policy
from shared.config import ServiceSettings


class StoreSettings(ServiceSettings):
    """The bucket that results are projected to, and what becomes of a flagged picture."""

    processed_bucket: str
    moderation: Policy = Policy.FLAG
