"""The composition root of ``api``. API Gateway invokes it for each request; it has no queue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from services.api.callers import Caller, identify
from services.api.commands import Commands
from services.api.queries import Queries
from services.api.records import DynamoTables
from services.api.routes import HttpApi
from services.api.settings import ApiSettings
from services.api.uploads import S3Signer
from shared.aws import client, presigner
from shared.bus import SnsBus
from shared.consumer import Context
from shared.function import start_telemetry
from shared.objects import S3Objects


@cache
def settings() -> ApiSettings:
    api_settings = ApiSettings.read()
    start_telemetry(api_settings)
    return api_settings


@cache
def tables() -> DynamoTables:
    return DynamoTables(client("dynamodb"), settings().records_table, settings().ledger_table)


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
def queries() -> Queries:
    return Queries(
        records=tables(),
        processed=S3Objects(client("s3"), settings().processed_bucket),
        signer=signer(),
        now=_now,
    )


@cache
def commands() -> Commands:
    return Commands(
        records=tables(),
        signer=signer(),
        bus=SnsBus(client("sns"), settings().events_topic_arn),
        now=_now,
        new_image=lambda: str(uuid4()),
        upload_expires=settings().upload_expires,
        max_bytes=settings().max_bytes,
    )


def caller(request: Mapping[str, Any]) -> Caller:
    return identify(request, settings().access, settings().operator_key)


@cache
def http_api() -> HttpApi:
    return HttpApi(queries, commands, caller, settings().page_origin)


def _now() -> datetime:
    return datetime.now(UTC)


def handle(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return http_api().answer(request, context)
