"""Build a service from its settings and AWS clients: the base of every composition root."""

from collections.abc import Mapping

from shared import telemetry
from shared.aws import client
from shared.bus import SnsBus, SqsQueue
from shared.config import FunctionSettings, ServiceSettings
from shared.contracts.envelope import Event
from shared.delivery import Limits, Route, Service
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
    """A service with these routes, on the topic, queue, ledger and table of its settings."""
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
