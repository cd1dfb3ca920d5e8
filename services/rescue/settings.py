"""The settings of ``rescue``."""

from shared.config import FunctionSettings


class RescueSettings(FunctionSettings):
    """The bucket of the dead letters and the topic of the reports. No queue, no ledger."""

    processed_bucket: str
    events_topic_arn: str
