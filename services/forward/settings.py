"""What can be set about ``forward``, and its defaults."""

from shared.config import ServiceSettings


class ForwardSettings(ServiceSettings):
    """The bus is the account's default one: rules find us by their ``source``."""

    event_bus: str = "default"
