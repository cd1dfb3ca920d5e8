"""The composition root of ``store``: its routes and its adapters."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.settings import StoreSettings
from services.store.steps import Steps
from shared.aws import client
from shared.consumer import Context, consume
from shared.contracts.envelope import Event
from shared.contracts.images import (
    DeleteRequested,
    ImageAnalyzed,
    ImageResized,
    ReleaseRequested,
    ReplayRequested,
    StepFailed,
)
from shared.delivery import Decide, Route, Service
from shared.function import service_on_aws
from shared.objects import S3Objects


def routes(steps: Steps) -> dict[type[Event], Route]:
    return {
        ImageResized: Decide(steps.decide),
        ImageAnalyzed: Decide(steps.decide),
        StepFailed: Decide(steps.decide),
        ReplayRequested: Decide(steps.decide),
        ReleaseRequested: Decide(steps.decide),
        DeleteRequested: Decide(steps.decide),
    }


@cache
def service() -> Service:
    settings = StoreSettings.read()
    ttl = timedelta(days=settings.tombstone_days)
    table = client("dynamodb"), settings.records_table, ttl
    steps = Steps(
        records=DynamoRecordsWriter(*table),
        processed=S3Objects(client("s3"), settings.processed_bucket),
        search_index=DynamoSearchIndex(*table),
        policy=settings.moderation,
        rates=settings.rates,
    )
    return service_on_aws(settings, routes(steps))


def handle(batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return consume(service(), batch, context)
