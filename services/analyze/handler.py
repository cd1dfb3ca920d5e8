"""The composition root of ``analyze``: its routes and its adapters."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from services.analyze.amazon import Amazon
from services.analyze.bedrock import Titan
from services.analyze.documents import Documents
from services.analyze.logic import Analyzer
from services.analyze.rekognition import Recognizer, Rekognition
from services.analyze.reuse import Reuse
from services.analyze.settings import AnalyzeSettings
from services.analyze.steps import Steps
from shared.aws import client
from shared.consumer import Context, consume
from shared.contracts.envelope import Event
from shared.contracts.images import (
    ImageDeleted,
    ImageFailed,
    ImageResized,
    ImageSuperseded,
)
from shared.delivery import Compensate, Route, Service, Step
from shared.function import service_on_aws
from shared.objects import S3Objects
from shared.records import DynamoRecords


def routes(steps: Steps) -> dict[type[Event], Route]:
    return {
        ImageResized: Step(steps.analyze, compensate=steps.compensate),
        ImageFailed: Compensate(steps.compensate),
        ImageSuperseded: Compensate(steps.compensate),
        ImageDeleted: Compensate(steps.purge),
    }


def analyzers(bucket: str) -> dict[str, Recognizer]:
    """Everyone that can be asked about the pictures in this bucket, by name."""
    rekognition = Rekognition(client("rekognition", once=True), bucket)
    titan = Titan(client("bedrock-runtime", once=True), S3Objects(client("s3"), bucket))
    return {Analyzer.REKOGNITION: Amazon(rekognition, titan)}


@cache
def service() -> Service:
    settings = AnalyzeSettings.read()
    processed = S3Objects(client("s3"), settings.processed_bucket)
    runs = DynamoRecords(client("dynamodb"), settings.records_table)
    steps = Steps(
        documents=Documents(processed),
        reuse=Reuse(processed, runs, on=settings.reuse),
        analyzers=analyzers(settings.processed_bucket),
        request=settings.request,
    )
    return service_on_aws(settings, routes(steps))


def handle(batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return consume(service(), batch, context)
