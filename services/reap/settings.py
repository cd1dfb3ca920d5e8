"""What can be set about ``reap``, and its defaults."""

from datetime import timedelta

from pydantic import Field

from shared.config import FunctionSettings


class ReapSettings(FunctionSettings):
    """Where to look, whom to tell, and how long is too long. It has no queue and no ledger."""

    records_table: str
    uploads_bucket: str
    processed_bucket: str
    events_topic_arn: str
    worst_case: float
    """s, for one page. With less time left, the next hour goes on from there."""
    silence_hours: float = Field(default=24, ge=0)
    """Longer than any queue, any back-off and any outage should take; 6 h is the longest of them,
    throttling's.
    """

    @property
    def silence(self) -> timedelta:
        return timedelta(hours=self.silence_hours)
