"""The composition root of ``reap``. It has no queue: a schedule invokes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from services.reap.bookmark import Bookmark
from services.reap.settings import ReapSettings
from services.reap.steps import Steps
from services.reap.uploads import S3Uploads
from shared.aws import client
from shared.bus import SnsBus
from shared.consumer import Context
from shared.function import start_telemetry
from shared.objects import S3Objects
from shared.records import DynamoRecords


@cache
def settings() -> ReapSettings:
    settings = ReapSettings.read()
    start_telemetry(settings)
    return settings


@cache
def steps() -> Steps:
    return Steps(
        records=DynamoRecords(client("dynamodb"), settings().records_table),
        uploads=S3Uploads(client("s3"), settings().uploads_bucket),
        bus=SnsBus(client("sns"), settings().events_topic_arn),
        now=lambda: datetime.now(UTC),
        silence=settings().silence,
    )


@cache
def bookmark() -> Bookmark:
    return Bookmark(S3Objects(client("s3"), settings().processed_bucket))


def handle(_event: Mapping[str, Any], context: Context) -> dict[str, int]:
    def in_time() -> bool:
        return context.get_remaining_time_in_millis() / 1000 >= settings().worst_case

    return steps().reap(bookmark(), in_time)
