"""End to end on MiniStack with ``AUTH=true``: real zips and photos, one notification each."""

import io
import json
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig
from PIL import Image

from tests.e2e.stack import Stack
from tests.pictures import encoded, noise

AWKWARD = "holiday photos/red+flower 100% (ü) & more/cat.jpg"


def test_a_photo_copied_with_the_aws_cli_has_one_notification(
    ministack: Stack, aws_cli, cat: Path
) -> None:
    uploads = ministack.outputs.buckets["uploads"]
    with ministack.listening() as listener:
        aws_cli(ministack)("s3", "cp", str(cat), f"s3://{uploads}/cli/cat.jpg")
        notification = listener.notification("cli/cat.jpg")
    assert notification["status"] == "completed"
    assert "Cat" in {label["name"] for label in notification["labels"]}
    assert {r["name"] for r in notification["renditions"]} == {"thumbnail", "preview", "web"}


def test_the_objects_of_a_notification_can_be_fetched(ministack: Stack, cat: Path) -> None:
    with ministack.listening() as listener:
        ministack.upload("fetch/cat.jpg", cat.read_bytes(), owner="ada")
        notification = listener.notification("fetch/cat.jpg")
    for rendition in notification["renditions"]:
        answer = ministack.object(rendition["key"])
        picture = Image.open(io.BytesIO(answer["Body"].read()))
        assert picture.size == (rendition["width"], rendition["height"])
        assert answer["ContentType"] == "image/jpeg"
        assert "immutable" in answer["CacheControl"]
    result = json.loads(ministack.object(f"results/{notification['image']}.json")["Body"].read())
    assert (result["owner"], result["document"]) == (
        "ada",
        f"analyses/{notification['image']}/0/analysis.json",
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
        notification = listener.notification("multipart/noise.png")
    assert (notification["status"], notification["width"], notification["height"]) == (
        "completed",
        2400,
        1800,
    )
    assert "-" in notification["source"]["etag"]


def test_a_key_with_special_characters_is_unchanged_in_the_notification(
    ministack: Stack, cat: Path
) -> None:
    with ministack.listening() as listener:
        ministack.upload(AWKWARD, cat.read_bytes())
        assert listener.notification(AWKWARD)["status"] == "completed"


def test_a_text_file_named_jpg_fails_with_its_reason_and_leaves_nothing(ministack: Stack) -> None:
    with ministack.listening() as listener:
        ministack.upload("text/notes.jpg", b"these are my notes, not a picture", owner="ada")
        notification = listener.notification("text/notes.jpg")
    assert notification["status"] == "failed"
    assert notification["failure"]["reason"] == "not-an-image"
    assert notification["failure"]["fault"] == "client"
    assert notification["owner"] == "ada"
    assert ministack.objects(notification["image"]) == []


@pytest.mark.slow
def test_twenty_photos_at_once_have_twenty_notifications(ministack: Stack, cat: Path) -> None:
    keys = [f"twenty/{n}.jpg" for n in range(20)]
    with ministack.listening() as listener:
        for key in keys:
            ministack.upload(key, cat.read_bytes())
        notifications = listener.notifications(*keys).values()
    assert {notification["status"] for notification in notifications} == {"completed"}
    assert len({notification["id"] for notification in notifications}) == 20
    assert len({notification["image"] for notification in notifications}) == 20


def test_the_same_key_twice_is_two_images(ministack: Stack, cat: Path) -> None:
    images = set()
    for _ in range(2):
        with ministack.listening() as listener:
            ministack.upload("again/cat.jpg", cat.read_bytes())
            images.add(listener.notification("again/cat.jpg")["image"])
    assert len(images) == 2


def test_an_unreadable_message_is_stored_with_its_reason(ministack: Stack) -> None:
    queue = ministack.outputs.queues["analyze"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody="this is not JSON")
    ministack.wait_until_idle()
    (key,) = ministack.objects("dead-letters/analyze/")
    letter = json.loads(ministack.object(key)["Body"].read())
    assert (letter["service"], letter["reason"]) == ("analyze", "unreadable")
    assert letter["body"] == "this is not JSON"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_subscription_can_filter_by_status(
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
        key = f"filter/{status}/{'cat' if status == 'completed' else 'text'}.jpg"
        assert listener.notification(key)["status"] == status
