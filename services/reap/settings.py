"""The settings of ``reap`` and their defaults."""

from datetime import timedelta

from pydantic import Field

from shared.config import FunctionSettings


class ReapSettings(FunctionSettings):
    """What to sweep, the topic of the reports, and the time limit. No queue, no ledger."""

    records_table: str
    uploads_bucket: str
    processed_bucket: str
    events_topic_arn: str
    worst_case: float
    """Seconds for one page. With less time left, the next invocation continues from there."""
    silence_hours: float = Field(default=24, ge=0)
    """Hours without an event after which a run counts as stuck. It must exceed the longest time in
    queues, backoff and outages; the longest backoff is 6 hours (throttling).
    """

    @property
    def silence(self) -> timedelta:
        return timedelta(hours=self.silence_hours)
