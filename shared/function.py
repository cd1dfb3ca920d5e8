"""A service's parts as AWS gives them: what every composition root builds on."""

from collections.abc import Mapping

from shared import telemetry
from shared.aws import client
from shared.bus import SnsBus, SqsQueue
from shared.config import FunctionSettings, ServiceSettings
from shared.consumer import Limits, Route, Service
from shared.contracts.envelope import Event
from shared.ledger import DynamoLedger
from shared.records import DynamoRecords


def start_telemetry(settings: FunctionSettings) -> None:
    telemetry.start(
        settings.service,
        stage=settings.stage,
        level=settings.log_level,
        tracing=settings.tracing == "on",
    )


def service_on_aws(settings: ServiceSettings, routes: Mapping[type[Event], Route]) -> Service:
    """These routes over the real topic, queue, ledger and record."""
    start_telemetry(settings)
    return Service(
        name=settings.service,
        routes=routes,
        bus=SnsBus(client("sns"), settings.events_topic_arn),
        queue=SqsQueue(client("sqs"), settings.queue_url, settings.dead_letter_queue_url),
        ledger=DynamoLedger(client("dynamodb"), settings.ledger_table),
        runs=DynamoRecords(client("dynamodb"), settings.records_table),
        limits=Limits(settings.function_timeout, settings.worst_case, settings.max_attempts),
    )
