"""The composition root of ``rescue``. Its event sources are the dead-letter queues."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from services.rescue.settings import RescueSettings
from services.rescue.steps import Steps
from shared.aws import client
from shared.bus import SnsBus, Wait
from shared.consumer import Context, answer_batch
from shared.function import start_telemetry
from shared.objects import S3Objects


@cache
def steps() -> Steps:
    settings = RescueSettings.read()
    start_telemetry(settings)
    return Steps(
        processed=S3Objects(client("s3"), settings.processed_bucket),
        bus=SnsBus(client("sns"), settings.events_topic_arn),
        now=lambda: datetime.now(UTC),
    )


def leave_on_queue(_waits: Sequence[Wait]) -> None:
    """A message that fails stays on its dead-letter queue; an alarm watches its age."""


def handle(batch: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    return answer_batch(batch, steps().rescue, leave_on_queue)
