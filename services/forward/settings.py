"""The settings of ``forward`` and their defaults."""

from shared.config import ServiceSettings


class ForwardSettings(ServiceSettings):
    """The account's default bus, unless set. Rules match on ``source``."""

    event_bus: str = "default"
