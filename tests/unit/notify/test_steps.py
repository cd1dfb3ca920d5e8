"""Each outcome is notified once, with the id of its event."""

import json
from dataclasses import dataclass, field

import pytest

from services.notify.logic import Message
from services.notify.steps import Steps
from shared.contracts.notification import Failure, Notification, NotificationStatus
from shared.delivery import StepContext
from shared.errors import Overtaken
from tests.contract.samples import (
    AT,
    COMPLETED,
    FAILED,
    FAILED_EVENT,
    LAST,
    RELEASED,
    RELEASED_EVENT,
)


@dataclass
class Topic:
    """A topic that records its messages."""

    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        self.messages.append(message)


def lease_held() -> None:
    """Confirm a lease that has not expired."""


def test_a_notification_has_the_id_of_its_event() -> None:
    topic = Topic()
    Steps(topic).notify(COMPLETED, StepContext(LAST, AT, lease_held))
    (message,) = topic.messages
    data = json.loads(message.data)
    assert (data["id"], data["status"]) == (LAST.id, "completed")


def test_no_notification_is_sent_after_the_lease_expired() -> None:
    topic = Topic()

    def lease_expired() -> None:
        raise Overtaken("overtaken", "late")

    with pytest.raises(Overtaken):
        Steps(topic).notify(COMPLETED, StepContext(LAST, AT, lease_expired))
    assert topic.messages == []


def test_a_completed_run_is_notified_with_its_results() -> None:
    notification = Notification.of(COMPLETED, LAST.id)
    assert (notification.status, notification.failure) == (NotificationStatus.COMPLETED, None)
    assert (notification.image, notification.run, notification.time) == (
        COMPLETED.image,
        COMPLETED.run,
        COMPLETED.decided_at,
    )
    assert (notification.renditions, notification.labels) == (
        COMPLETED.renditions,
        COMPLETED.labels,
    )


def test_a_release_is_notified_with_its_renditions() -> None:
    notification = Notification.of(RELEASED, RELEASED_EVENT.id)
    assert (notification.status, notification.quarantined) == (NotificationStatus.RELEASED, False)
    assert (notification.time, notification.renditions) == (
        RELEASED.decided_at,
        COMPLETED.renditions,
    )


def test_a_failed_run_is_notified_with_stage_and_reason() -> None:
    notification = Notification.of(FAILED, FAILED_EVENT.id)
    failure = Failure(
        stage="resize", reason="not-an-image", detail=FAILED.detail, fault=FAILED.fault
    )
    assert (notification.status, notification.failure) == (NotificationStatus.FAILED, failure)
    assert notification.renditions == ()
