"""What can be set about ``notify``, and its defaults."""

from shared.config import ServiceSettings


class NotifySettings(ServiceSettings):
    """Where to tell it."""

    notifications_topic_arn: str
