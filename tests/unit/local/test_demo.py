"""Output for people: the demo's report, a notification as one line, and commands to copy."""

import io
import json
import shlex
from dataclasses import dataclass

import pytest

from infra.errors import InfraError
from infra.local.aws_lines import how_to_use
from infra.local.demo import DemoResult, report, require_success
from infra.local.follow import follow, line
from infra.terminal import Style, table
from shared.contracts.images import Moderation, PictureDetails
from shared.hops import TimelineHop
from tests.contract.samples import NOTIFICATIONS
from tests.unit.local.fakes import OUTPUTS, TOPIC

DONE = NOTIFICATIONS["notification.v1.completed"]
FAILED = NOTIFICATIONS["notification.v1.failed"]
QUARANTINED = NOTIFICATIONS["notification.v1.quarantined"]
RELEASED = NOTIFICATIONS["notification.v1.released"]
DELETED = NOTIFICATIONS["notification.v1.deleted"]
PLAIN = Style()
GREEN, RED = "\033[32m", "\033[31m"
HOPS = (
    TimelineHop("resize", "image.uploaded.v1", "e0", 0, 100.0, 100.125, 100.25, 1, "done"),
    TimelineHop("store", "image.analyzed.v1", "e2", 0, None, 101.0, 101.5, 1, "done"),
)


def report_of(notification):
    return report(
        DemoResult(notification, HOPS, uploaded_at=100.0, notified_at=101.75), OUTPUTS, PLAIN
    )


def test_the_report_shows_pixels_bytes_and_savings_of_each_rendition():
    rows = [shown.split() for shown in report_of(DONE)]

    assert ["thumbnail", "JPEG", "256", "x", "192", "9,876", "100%"] in rows
    assert ["preview", "JPEG", "1024", "x", "768", "123,456", "95%"] in rows


def test_the_report_shows_details_of_the_picture_only_if_it_has_some():
    ordinary = report_of(DONE.model_copy(update={"details": PictureDetails()}))
    rows = [shown.strip() for shown in report_of(DONE)]

    assert "animated, 12 frames, 1.2 s" in rows
    assert "warnings: missing-end-marker" in rows
    assert len(rows) == len(ordinary) + 4


def test_the_report_shows_labels_with_their_confidence():
    assert ["Cat", "98.8", "%"] in [shown.split() for shown in report_of(DONE)]


def test_the_report_shows_faces_text_and_moderation():
    rows = [shown.split(maxsplit=1) for shown in report_of(DONE)]

    assert ["faces", "2"] in rows
    assert ["text", "BAKERY / open 7-18"] in rows
    assert ["moderation", "flagged: Smoking"] in rows


def test_the_report_names_detections_that_found_nothing():
    nothing = {"faces": 0, "text": (), "moderation": Moderation(flagged=False)}
    rows = [shown.split(maxsplit=1) for shown in report_of(DONE.model_copy(update=nothing))]

    for row in (["faces", "0"], ["text", "none"], ["moderation", "not flagged"]):
        assert row in rows


def test_the_report_shows_the_first_lines_of_a_long_text_and_how_many_are_left_out():
    page = DONE.model_copy(update={"text": tuple("abcde")})

    assert "  text        a / b / c … and 2 more" in report_of(page)


def test_the_report_has_no_line_for_a_detection_that_is_switched_off():
    off = {"faces": None, "text": None, "moderation": None}

    assert "Faces, text, moderation" not in report_of(DONE.model_copy(update=off))


def test_the_report_of_a_quarantined_image_shows_the_release_command():
    shown = report_of(QUARANTINED)

    assert shown[2].split() == ["status", "quarantined"]
    assert "Renditions" not in shown
    assert shown[-1].endswith(
        f"infra release --endpoint-url {OUTPUTS.endpoint} {QUARANTINED.image}"
    )


def test_the_report_shows_each_hop_and_the_total():
    rows = [" ".join(shown.split()) for shown in report_of(DONE)]

    assert "resize image.uploaded.v1 250 ms 125 ms 250 ms" in rows
    assert "store image.analyzed.v1 500 ms 1,500 ms" in rows
    assert "notification received 1,750 ms" in rows
    assert "From upload to notification in 1.75 s." in rows


def test_the_report_of_a_failure_shows_the_reason_and_no_renditions():
    text = "\n".join(report_of(FAILED))

    assert FAILED.failure.detail in text
    assert "Renditions" not in text
    assert "To download it" not in text


def test_a_failed_image_fails_the_demo_with_stage_reason_and_detail():
    why = FAILED.failure

    with pytest.raises(InfraError, match=rf"at {why.stage}: {why.reason}: "):
        require_success(FAILED)

    require_success(DONE)


def test_a_notification_is_one_readable_line():
    shown = line(DONE.model_dump_json(), PLAIN)

    assert shown.split()[1] == "completed"
    assert DONE.source.key in shown
    assert "2 renditions, Cat 99 %, Window 72 %, 2 faces" in shown
    assert shown.endswith(f'"BAKERY open 7-18", flagged: Smoking  {DONE.image}')
    assert "\n" not in shown


def test_the_line_shows_details_of_the_picture():
    shown = line(DONE.model_dump_json(), PLAIN)

    assert "gain map dropped, animated, 12 frames, 1.2 s, warnings: missing-end-marker, 2" in shown


def test_a_long_text_is_shortened_to_fit_the_line():
    page = DONE.model_copy(update={"text": ("so much to read",) * 9, "moderation": None})

    assert '"so much to read so much to…"  ' in line(page.model_dump_json(), PLAIN)


@pytest.mark.parametrize(
    ("notification", "word", "colour"),
    [
        (DONE, "completed", GREEN),
        (RELEASED, "released", GREEN),
        (QUARANTINED, "quarantined", RED),
        (FAILED, "failed", RED),
        (DELETED, "deleted", RED),
    ],
)
def test_successes_are_green_and_quarantined_images_are_red(notification, word, colour):
    shown = line(notification.model_dump_json(), Style(colour=True))

    assert f"{colour}{word:<9}" in shown


def test_the_line_of_a_quarantined_image_counts_no_renditions():
    shown = line(QUARANTINED.model_dump_json(), PLAIN)

    assert "renditions" not in shown
    assert "4032 x 3024 HEIC" in shown


def test_the_line_of_a_deletion_has_the_key_and_the_id():
    shown = line(DELETED.model_dump_json(), PLAIN)
    assert shown.endswith(f"deleted    {DELETED.source.key}  {DELETED.image}")


def test_the_line_of_a_failure_shows_stage_and_reason():
    shown = line(FAILED.model_dump_json(), PLAIN)

    assert f"{FAILED.failure.stage}: {FAILED.failure.reason}" in shown


@pytest.mark.parametrize("body", ["", "hello", '{"version": "1"}'])
def test_a_message_that_is_not_a_notification_is_shown_unchanged(body):
    assert line(body, PLAIN) == body


@dataclass
class FakeSubscription:
    polls: list[list[str]]

    def receive(self):
        return self.polls.pop(0)


def test_follow_once_ends_after_the_first_notification(say):
    subscription = FakeSubscription([[], ["first"], ["second"]])

    follow(subscription, str.upper, say, once=True)

    assert say.lines == ["FIRST"]


def test_colour_is_used_on_terminals_unless_no_color_is_set(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert Style.of(terminal).good("yes") == "\033[32myes\033[0m"
    assert Style.of(io.StringIO()).good("yes") == "yes"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Style.of(terminal).good("yes") == "yes"


def test_table_columns_are_aligned():
    assert table([("a", "1"), ("bcd", "23")], "<>") == ["  a     1", "  bcd  23"]


PAGE = "http://localhost:4566/darkroom-local-page/index.html"


def test_the_address_of_the_page_is_listed_first() -> None:
    lines = how_to_use(OUTPUTS, PAGE, "MiniStack", "localhost")
    assert lines[2].split() == ["page", PAGE]


def test_the_commands_to_copy_name_endpoint_bucket_and_topic():
    lines = how_to_use(OUTPUTS, PAGE, "MiniStack", "localhost")
    commands = [shlex.split(shown) for shown in lines if shown.startswith("  aws ")]

    assert all(words[1:3] == ["--endpoint-url", OUTPUTS.endpoint] for words in commands)
    assert commands[0][-1] == "s3://darkroom-local-uploads/any/key.jpg"
    assert sum(TOPIC in words for words in commands) == 3


def test_the_create_queue_command_lets_the_topic_send():
    lines = how_to_use(OUTPUTS, PAGE, "MiniStack", "localhost")
    create = next(shlex.split(shown) for shown in lines if "create-queue" in shown)

    (statement,) = json.loads(json.loads(create[-1])["Policy"])["Statement"]

    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": TOPIC}}
