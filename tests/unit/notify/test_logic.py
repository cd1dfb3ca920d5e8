"""A notification in the words of each kind of subscriber."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.logic import LONGEST_SMS, LONGEST_SUBJECT, render
from shared.contracts.images import Moderation
from shared.contracts.notification import Notification
from shared.errors import Fault
from tests.contract.samples import CAT, NOTIFICATIONS, golden, indented

DONE = NOTIFICATIONS["notification.v1.completed"]
FAILED = NOTIFICATIONS["notification.v1.failed"]
QUARANTINED = NOTIFICATIONS["notification.v1.quarantined"]
RELEASED = NOTIFICATIONS["notification.v1.released"]

anything = st.text(max_size=300)


def named(told: Notification, key: str, **more: Any) -> Notification:
    return told.model_copy(update={"source": told.source.model_copy(update={"key": key}), **more})


def failing(key: str, detail: str) -> Notification:
    return named(FAILED, key, failure=FAILED.failure.model_copy(update={"detail": detail}))


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_programs_get_the_golden_json(name: str) -> None:
    assert indented(render(NOTIFICATIONS[name]).data) == golden(name)


def test_programs_get_the_same_bytes_each_time() -> None:
    again = Notification.model_validate_json(render(DONE).data)
    assert render(again).data == render(DONE).data


def test_a_completed_image_reads_well() -> None:
    told = render(DONE)
    assert told.subject == "Darkroom: completed - cat & k?che.jpg"
    assert told.sms == "cat & küche.jpg: 4032 x 3024, 2 renditions, Cat, Window"
    assert told.email.splitlines() == [
        "cat & küche.jpg: 4032 x 3024, 2 renditions, Cat, Window",
        "",
        "Original: s3://darkroom-uploads/holiday photos/cat & küche.jpg",
        "thumbnail 256 x 192, 9,876 bytes",
        "preview   1024 x 768, 123,456 bytes",
        " 98.8 %  Cat",
        " 71.5 %  Window",
        "Flagged:  Smoking",
        "",
        f"Image {CAT}, run 0",
    ]


def test_a_failed_image_has_its_reason_and_advice() -> None:
    told = render(FAILED)
    assert told.subject == "Darkroom: failed - notes.txt.jpg"
    assert told.sms.startswith("notes.txt.jpg: failed, The content is not a picture")
    assert "Stage:    resize" in told.email
    assert "Reason:   not-an-image" in told.email
    assert "Upload a different file." in told.email


@pytest.mark.parametrize(
    ("fault", "mend"),
    [
        ("client", "Upload a different file."),
        ("dependency", "Try again later."),
        ("internal", "An operator has to fix this. The original is still stored."),
    ],
)
def test_each_fault_says_what_can_be_done(fault: str, mend: str) -> None:
    failure = FAILED.failure.model_copy(update={"fault": Fault(fault)})
    assert mend in render(FAILED.model_copy(update={"failure": failure})).email


def test_without_labels_the_text_has_none() -> None:
    assert render(named(DONE, "cat.jpg", labels=None)).sms == "cat.jpg: 4032 x 3024, 2 renditions"


@given(anything, anything)
def test_a_subject_is_what_sns_takes(key: str, detail: str) -> None:
    subject = render(failing(key, detail)).subject
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) <= LONGEST_SUBJECT


@given(anything, anything)
def test_a_text_message_is_one_line_that_fits(key: str, detail: str) -> None:
    sms = render(failing(key, detail)).sms
    assert len(sms) <= LONGEST_SMS
    assert len(sms.splitlines()) == 1


def test_a_text_message_that_was_cut_says_so() -> None:
    assert render(failing("cat.jpg", "x" * 500)).sms.endswith("x…")
    assert render(failing("cat.jpg", "short")).sms == "cat.jpg: failed, short"


def attributes(**changed: Any) -> dict[str, str]:
    return render(DONE.model_copy(update=changed)).attributes


def test_subscribers_can_filter_on_how_it_ended() -> None:
    assert attributes() == {
        "status": "completed",
        "flagged": "true",
        "quarantined": "false",
        "owner": "ada",
        "stage": "completed",
    }


def test_subscribers_can_filter_on_where_it_failed() -> None:
    assert render(FAILED).attributes == {
        "status": "failed",
        "flagged": "false",
        "quarantined": "false",
        "owner": "ada",
        "stage": "resize",
    }


def test_who_looks_after_quarantine_can_filter_on_what_waits_and_what_was_released() -> None:
    told = [render(one).attributes for one in (QUARANTINED, RELEASED)]
    assert [(one["quarantined"], one["status"]) for one in told] == [
        ("true", "completed"),
        ("false", "released"),
    ]


def test_a_quarantined_picture_reads_why_and_not_where_its_renditions_are() -> None:
    told = render(QUARANTINED)
    assert told.sms == "cat & küche.jpg: 4032 x 3024, quarantined until an operator reviews it"
    assert "Flagged:  Smoking" in told.email
    assert (
        "Quarantined: the renditions are published after an operator releases them." in told.email
    )
    assert "renditions/" not in told.data + told.email + told.sms


def test_a_released_picture_reads_like_a_completed_one_that_was_released() -> None:
    told = render(RELEASED)
    assert told.sms == "cat & küche.jpg: released, 4032 x 3024, 2 renditions, Cat, Window"
    assert "thumbnail 256 x 192, 9,876 bytes" in told.email


@pytest.mark.parametrize("moderation", [None, Moderation(flagged=False)])
def test_what_was_not_flagged_or_not_asked_is_not_flagged(moderation: Any) -> None:
    assert attributes(moderation=moderation)["flagged"] == "false"


def test_nobodys_picture_can_be_filtered_on_too() -> None:
    assert attributes(owner=None)["owner"] == "unknown"


def test_no_attribute_is_ever_empty() -> None:
    assert all(attributes(owner="").values())  # SNS refuses an attribute without a value
