"""The composition root of ``api``. No queue feeds it: API Gateway hands it requests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from services.api.callers import Caller, identified
from services.api.records import DynamoRecords
from services.api.routes import Door
from services.api.settings import ApiSettings
from services.api.steps import Steps
from services.api.uploads import S3Signer
from shared.aws import client, presigner
from shared.bus import SnsBus
from shared.consumer import Context
from shared.function import start_telemetry
from shared.objects import S3Objects


@cache
def settings() -> ApiSettings:
    found = ApiSettings.read()
    start_telemetry(found)
    return found


@cache
def signer() -> S3Signer:
    return S3Signer(
        client=presigner(settings().public_endpoint),
        uploads=settings().uploads_bucket,
        processed=settings().processed_bucket,
        pictures=settings().pictures_origin,
        upload_expires=settings().upload_expires,
        link_expires=settings().link_expires,
    )


@cache
def steps() -> Steps:
    found = settings()
    return Steps(
        records=DynamoRecords(client("dynamodb"), found.records_table, found.ledger_table),
        processed=S3Objects(client("s3"), found.processed_bucket),
        signer=signer(),
        bus=SnsBus(client("sns"), found.events_topic_arn),
        now=lambda: datetime.now(UTC),
        new_image=lambda: str(uuid4()),
        upload_expires=found.upload_expires,
        max_bytes=found.max_bytes,
    )


def caller(request: Mapping[str, Any]) -> Caller:
    return identified(request, settings().access, settings().operator_key)


@cache
def door() -> Door:
    return Door(steps, caller, settings().page_origin)


def handle(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return door().answer(request, context)
