"""A notification is rendered for each kind of subscriber."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.logic import LONGEST_SMS, LONGEST_SUBJECT, render
from shared.contracts.images import Moderation, PictureDetails
from shared.contracts.notification import Notification
from shared.errors import Fault
from shared.picture_facts import picture_facts
from tests.contract.samples import CAT, NOTIFICATIONS, golden, indented

DONE = NOTIFICATIONS["notification.v1.completed"]
FAILED = NOTIFICATIONS["notification.v1.failed"]
QUARANTINED = NOTIFICATIONS["notification.v1.quarantined"]
RELEASED = NOTIFICATIONS["notification.v1.released"]

texts = st.text(max_size=300)


def named(notification: Notification, key: str, **fields: Any) -> Notification:
    source = notification.source.model_copy(update={"key": key})
    return notification.model_copy(update={"source": source, **fields})


def failing(key: str, detail: str) -> Notification:
    return named(FAILED, key, failure=FAILED.failure.model_copy(update={"detail": detail}))


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_the_data_is_the_golden_json(name: str) -> None:
    assert indented(render(NOTIFICATIONS[name]).data) == golden(name)


def test_the_data_is_the_same_each_time() -> None:
    again = Notification.model_validate_json(render(DONE).data)
    assert render(again).data == render(DONE).data


def test_a_completed_image_has_its_size_renditions_and_labels() -> None:
    message = render(DONE)
    assert message.subject == "Darkroom: completed - cat & k?che.jpg"
    assert message.sms == "cat & küche.jpg: 4032 x 3024, 2 renditions, Cat, Window"
    assert message.email.splitlines() == [
        "cat & küche.jpg: 4032 x 3024, 2 renditions, Cat, Window",
        "",
        "Original: s3://darkroom-uploads/holiday photos/cat & küche.jpg",
        f"Details:  {'; '.join(picture_facts(DONE.details))}",
        "thumbnail 256 x 192, 9,876 bytes",
        "preview   1024 x 768, 123,456 bytes",
        " 98.8 %  Cat",
        " 71.5 %  Window",
        "Flagged:  Smoking",
        "",
        f"Image {CAT}, run 0",
    ]


def test_a_failed_image_has_its_reason_and_advice() -> None:
    message = render(FAILED)
    assert message.subject == "Darkroom: failed - notes.txt.jpg"
    assert message.sms.startswith("notes.txt.jpg: failed, The content is not a picture")
    assert "Stage:    resize" in message.email
    assert "Reason:   not-an-image" in message.email
    assert "Upload a different file." in message.email


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("client", "Upload a different file."),
        ("dependency", "Try again later."),
        ("internal", "An operator has to fix this. The original is still stored."),
    ],
)
def test_each_fault_has_its_advice(fault: str, advice: str) -> None:
    failure = FAILED.failure.model_copy(update={"fault": Fault(fault)})
    assert advice in render(FAILED.model_copy(update={"failure": failure})).email


def test_a_text_message_without_labels_ends_with_the_renditions() -> None:
    assert render(named(DONE, "cat.jpg", labels=None)).sms == "cat.jpg: 4032 x 3024, 2 renditions"


@given(texts, texts)
def test_a_subject_is_valid_for_sns(key: str, detail: str) -> None:
    subject = render(failing(key, detail)).subject
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) <= LONGEST_SUBJECT


@given(texts, texts)
def test_a_text_message_is_one_line_that_fits(key: str, detail: str) -> None:
    sms = render(failing(key, detail)).sms
    assert len(sms) <= LONGEST_SMS
    assert len(sms.splitlines()) == 1


def test_a_shortened_text_message_ends_with_an_ellipsis() -> None:
    assert render(failing("cat.jpg", "x" * 500)).sms.endswith("x…")
    assert render(failing("cat.jpg", "short")).sms == "cat.jpg: failed, short"


def attributes(**changed: Any) -> dict[str, str]:
    return render(DONE.model_copy(update=changed)).attributes


def test_subscribers_can_filter_on_the_outcome() -> None:
    assert attributes() == {
        "status": "completed",
        "flagged": "true",
        "quarantined": "false",
        "owner": "ada",
        "stage": "completed",
    }


def test_subscribers_can_filter_on_the_stage_that_failed() -> None:
    assert render(FAILED).attributes == {
        "status": "failed",
        "flagged": "false",
        "quarantined": "false",
        "owner": "ada",
        "stage": "resize",
    }


def test_subscribers_can_filter_on_quarantined_and_released_images() -> None:
    rendered = [render(notification).attributes for notification in (QUARANTINED, RELEASED)]
    assert [(attributes["quarantined"], attributes["status"]) for attributes in rendered] == [
        ("true", "completed"),
        ("false", "released"),
    ]


def test_a_quarantined_image_has_its_reason_but_no_rendition_keys() -> None:
    message = render(QUARANTINED)
    assert message.sms == "cat & küche.jpg: 4032 x 3024, quarantined until an operator reviews it"
    assert "Flagged:  Smoking" in message.email
    assert (
        "Quarantined: the renditions are published after an operator releases them."
        in message.email
    )
    assert "renditions/" not in message.data + message.email + message.sms


def test_a_released_image_has_its_renditions() -> None:
    message = render(RELEASED)
    assert message.sms == "cat & küche.jpg: released, 4032 x 3024, 2 renditions, Cat, Window"
    assert "thumbnail 256 x 192, 9,876 bytes" in message.email


def test_an_unusual_picture_has_a_line_of_details() -> None:
    details = PictureDetails(animated=True, frames=2, duration=0.5, warnings=("bad-checksum",))
    email = render(DONE.model_copy(update={"details": details})).email
    assert "\nDetails:  animated, 2 frames, 0.5 s; warnings: bad-checksum\n" in email


@pytest.mark.parametrize("details", [None, PictureDetails()])
def test_an_ordinary_picture_has_no_line_of_details(details: PictureDetails | None) -> None:
    assert "Details:" not in render(DONE.model_copy(update={"details": details})).email


@pytest.mark.parametrize("moderation", [None, Moderation(flagged=False)])
def test_an_image_without_flagged_moderation_is_not_flagged(moderation: Any) -> None:
    assert attributes(moderation=moderation)["flagged"] == "false"


def test_an_image_without_an_owner_has_the_owner_unknown() -> None:
    assert attributes(owner=None)["owner"] == "unknown"


def test_no_attribute_is_ever_empty() -> None:
    assert all(attributes(owner="").values())  # SNS refuses an attribute without a value
