"""The settings of ``notify``."""

from shared.config import ServiceSettings


class NotifySettings(ServiceSettings):
    """The topic of the notifications."""

    notifications_topic_arn: str
