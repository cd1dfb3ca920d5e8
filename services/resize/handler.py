"""The composition root of ``resize``: its routes and its adapters."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from services.resize.settings import ResizeSettings
from services.resize.steps import Steps
from shared.aws import client
from shared.consumer import Context, consume
from shared.contracts.envelope import Event
from shared.contracts.images import (
    ImageDeleted,
    ImageFailed,
    ImageReplayed,
    ImageSuperseded,
    ImageUploaded,
)
from shared.delivery import Compensate, Route, Service, Step
from shared.function import service_on_aws
from shared.objects import S3Objects


def routes(steps: Steps) -> dict[type[Event], Route]:
    return {
        ImageUploaded: Step(steps.resize, compensate=steps.compensate),
        ImageReplayed: Step(steps.resize, compensate=steps.compensate),
        ImageFailed: Compensate(steps.compensate),
        ImageSuperseded: Compensate(steps.compensate),
        ImageDeleted: Compensate(steps.purge),
    }


@cache
def service() -> Service:
    settings = ResizeSettings.read()
    steps = Steps(
        uploads=S3Objects(client("s3"), settings.uploads_bucket),
        processed=S3Objects(client("s3"), settings.processed_bucket),
        specs=settings.specs,
        limits=settings.limits,
    )
    return service_on_aws(settings, routes(steps))


def handle(batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return consume(service(), batch, context)
