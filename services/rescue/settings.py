"""What can be set about ``rescue``, and its defaults."""

from shared.config import FunctionSettings


class RescueSettings(FunctionSettings):
    """Where to keep dead letters, and whom to tell. It has no queue and no ledger of its own."""

    processed_bucket: str
    events_topic_arn: str
