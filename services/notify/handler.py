"""The composition root of ``notify``: its routes and its adapters."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from services.notify.settings import NotifySettings
from services.notify.steps import Steps
from services.notify.topic import SnsNotifications
from shared.aws import client
from shared.consumer import Context, consume
from shared.contracts.envelope import Event
from shared.contracts.images import ImageCompleted, ImageDeleted, ImageFailed, ImageReleased
from shared.delivery import Deliver, Route, Service
from shared.function import service_on_aws


def routes(steps: Steps) -> dict[type[Event], Route]:
    return {
        ImageCompleted: Deliver(steps.notify),
        ImageFailed: Deliver(steps.notify),
        ImageReleased: Deliver(steps.notify),
        ImageDeleted: Deliver(steps.notify),
    }


@cache
def service() -> Service:
    settings = NotifySettings.read()
    topic = SnsNotifications(client("sns", once=True), settings.notifications_topic_arn)
    return service_on_aws(settings, routes(Steps(topic)))


def handle(batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return consume(service(), batch, context)
