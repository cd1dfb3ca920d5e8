"""The composition root of ``forward``: its routes and its adapters."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from services.forward.bridge import EventBridge
from services.forward.settings import ForwardSettings
from services.forward.steps import Steps
from shared.aws import client
from shared.consumer import Context, consume
from shared.contracts.envelope import Event
from shared.contracts.images import ImageCompleted, ImageDeleted, ImageFailed, ImageReleased
from shared.delivery import Deliver, Route, Service
from shared.function import service_on_aws


def routes(steps: Steps) -> dict[type[Event], Route]:
    return {
        ImageCompleted: Deliver(steps.forward),
        ImageFailed: Deliver(steps.forward),
        ImageReleased: Deliver(steps.forward),
        ImageDeleted: Deliver(steps.forward),
    }


@cache
def service() -> Service:
    settings = ForwardSettings.read()
    bridge = EventBridge(client("events", once=True), settings.event_bus)
    return service_on_aws(settings, routes(Steps(bridge, settings.stage)))


def handle(batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return consume(service(), batch, context)
