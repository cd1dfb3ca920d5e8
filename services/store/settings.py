"""What can be set about ``store``, and its defaults."""

from shared.config import ServiceSettings


class StoreSettings(ServiceSettings):
    """The bucket that results are projected to."""

    processed_bucket: str
