"""End to end on MiniStack with ``AUTH=true``: real zips, real photos, one notification each."""

import io
import json
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig
from PIL import Image

from tests.e2e.stack import Stack
from tests.pictures import encoded, noise

AWKWARD = "holiday photos/red+flower 100% (ü) & more/cat.jpg"


def test_a_photo_copied_with_the_aws_cli_comes_out_as_one_notification(
    ministack: Stack, aws_cli, cat: Path
) -> None:
    uploads = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        aws_cli(ministack)("s3", "cp", str(cat), f"s3://{uploads}/cli/cat.jpg")
        told = listener.hear("cli/cat.jpg")["cli/cat.jpg"]
    assert told["status"] == "completed"
    assert "Cat" in {label["name"] for label in told["labels"]}
    assert {r["name"] for r in told["renditions"]} == {"thumbnail", "preview", "web"}


def test_what_was_told_is_there_to_be_fetched(ministack: Stack, cat: Path) -> None:
    with ministack.listening() as listener:
        ministack.upload("fetch/cat.jpg", cat.read_bytes(), owner="ada")
        told = listener.hear("fetch/cat.jpg")["fetch/cat.jpg"]
    for rendition in told["renditions"]:
        found = ministack.object(rendition["key"])
        picture = Image.open(io.BytesIO(found["Body"].read()))
        assert picture.size == (rendition["width"], rendition["height"])
        assert found["ContentType"] == "image/jpeg"
        assert "immutable" in found["CacheControl"]
    result = json.loads(ministack.object(f"results/{told['image']}.json")["Body"].read())
    assert (result["owner"], result["document"]) == (
        "ada",
        f"analyses/{told['image']}/0/analysis.json",
    )


def test_a_multipart_upload_is_one_image(ministack: Stack) -> None:
    body = encoded(noise(2400, 1800), "PNG")
    config = TransferConfig(multipart_threshold=5 * 1024**2, multipart_chunksize=5 * 1024**2)
    assert len(body) > config.multipart_threshold
    with ministack.listening() as listener:
        uploads = ministack.outputs.buckets["uploads"]
        ministack.client("s3").upload_fileobj(
            io.BytesIO(body), uploads, "multipart/noise.png", Config=config
        )
        told = listener.hear("multipart/noise.png")["multipart/noise.png"]
    assert (told["status"], told["width"], told["height"]) == ("completed", 2400, 1800)
    assert "-" in told["source"]["etag"]


def test_an_awkward_key_arrives_as_it_was_given(ministack: Stack, cat: Path) -> None:
    with ministack.listening() as listener:
        ministack.upload(AWKWARD, cat.read_bytes())
        assert listener.hear(AWKWARD)[AWKWARD]["status"] == "completed"


def test_a_text_file_named_jpg_fails_with_its_reason_and_leaves_nothing(ministack: Stack) -> None:
    with ministack.listening() as listener:
        ministack.upload("text/notes.jpg", b"these are my notes, not a picture", owner="ada")
        told = listener.hear("text/notes.jpg")["text/notes.jpg"]
    assert told["status"] == "failed"
    assert told["failure"]["reason"] == "not-an-image"
    assert told["failure"]["fault"] == "client"
    assert told["owner"] == "ada"
    assert ministack.made(told["image"]) == []


@pytest.mark.slow
def test_twenty_photos_at_once_are_twenty_notifications(ministack: Stack, cat: Path) -> None:
    keys = [f"twenty/{n}.jpg" for n in range(20)]
    with ministack.listening() as listener:
        for key in keys:
            ministack.upload(key, cat.read_bytes())
        told = listener.hear(*keys)
    assert {one["status"] for one in told.values()} == {"completed"}
    assert len({one["id"] for one in told.values()}) == 20
    assert len({one["image"] for one in told.values()}) == 20


def test_the_same_key_twice_is_two_images(ministack: Stack, cat: Path) -> None:
    with ministack.listening() as first:
        ministack.upload("again/cat.jpg", cat.read_bytes())
        one = first.hear("again/cat.jpg")["again/cat.jpg"]
    with ministack.listening() as second:
        ministack.upload("again/cat.jpg", cat.read_bytes())
        other = second.hear("again/cat.jpg")["again/cat.jpg"]
    assert one["image"] != other["image"]


def test_what_nobody_understands_is_kept_with_its_reason(ministack: Stack) -> None:
    queue = ministack.outputs.queues["analyze"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody="this is not JSON")
    ministack.wait_until_idle()
    (kept,) = ministack.made("dead-letters/analyze/")
    letter = json.loads(ministack.object(kept)["Body"].read())
    assert (letter["service"], letter["reason"]) == ("analyze", "unreadable")
    assert letter["body"] == "this is not JSON"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_subscriber_may_ask_for_one_outcome_only(
    ministack: Stack, aws_cli, cat: Path, status: str
) -> None:
    topic = ministack.outputs.topics["notifications"]
    policy = json.dumps({"status": [status]})
    with ministack.listening() as listener:
        arns = json.loads(
            aws_cli(ministack)("sns", "list-subscriptions-by-topic", "--topic-arn", topic)
        )
        arn = arns["Subscriptions"][-1]["SubscriptionArn"]
        aws_cli(ministack)(
            *("sns", "set-subscription-attributes", "--subscription-arn", arn),
            *("--attribute-name", "FilterPolicy", "--attribute-value", policy),
        )
        ministack.upload(f"filter/{status}/cat.jpg", cat.read_bytes())
        ministack.upload(f"filter/{status}/text.jpg", b"text")
        wanted = f"filter/{status}/{'cat' if status == 'completed' else 'text'}.jpg"
        assert listener.hear(wanted)[wanted]["status"] == status
