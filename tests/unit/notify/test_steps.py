"""Telling of a verdict, once, under the verdict's own id."""

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
    """Hears what is told."""

    heard: list[Message] = field(default_factory=list)

    def send(self, words: Message) -> None:
        self.heard.append(words)


def nothing() -> None:
    """Confirms a turn that is not over."""


def test_a_notification_has_the_id_of_its_event() -> None:
    topic = Topic()
    Steps(topic).notify(COMPLETED, StepContext(LAST, AT, nothing))
    (words,) = topic.heard
    told = json.loads(words.data)
    assert (told["id"], told["status"]) == (LAST.id, "completed")


def test_no_notification_is_sent_after_the_lease_expired() -> None:
    topic = Topic()

    def over() -> None:
        raise Overtaken("overtaken", "late")

    with pytest.raises(Overtaken):
        Steps(topic).notify(COMPLETED, StepContext(LAST, AT, over))
    assert topic.heard == []


def test_a_completed_run_is_notified_with_its_results() -> None:
    told = Notification.of(COMPLETED, LAST.id)
    assert (told.status, told.failure) == (NotificationStatus.COMPLETED, None)
    assert (told.image, told.run, told.time) == (
        COMPLETED.image,
        COMPLETED.run,
        COMPLETED.decided_at,
    )
    assert (told.renditions, told.labels) == (COMPLETED.renditions, COMPLETED.labels)


def test_a_release_is_notified_with_its_renditions() -> None:
    told = Notification.of(RELEASED, RELEASED_EVENT.id)
    assert (told.status, told.quarantined) == (NotificationStatus.RELEASED, False)
    assert (told.time, told.renditions) == (RELEASED.decided_at, COMPLETED.renditions)


def test_a_failed_run_is_notified_with_stage_and_reason() -> None:
    told = Notification.of(FAILED, FAILED_EVENT.id)
    why = Failure(stage="resize", reason="not-an-image", detail=FAILED.detail, fault=FAILED.fault)
    assert (told.status, told.failure) == (NotificationStatus.FAILED, why)
    assert told.renditions == ()
