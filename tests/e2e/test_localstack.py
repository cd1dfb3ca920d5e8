"""A short pass on LocalStack, whose Lambda and S3 differ from MiniStack's."""

from pathlib import Path

from tests.e2e.stack import Stack
from tests.e2e.test_ministack import AWKWARD


def test_a_photo_copied_with_the_aws_cli_has_one_notification(
    localstack: Stack, aws_cli, cat: Path
) -> None:
    uploads = localstack.outputs.buckets["uploads"]
    with localstack.listening() as listener:
        aws_cli(localstack)("s3", "cp", str(cat), f"s3://{uploads}/{AWKWARD}")
        notification = listener.notification(AWKWARD)
    assert notification["status"] == "completed"
    assert "Cat" in {label["name"] for label in notification["labels"]}


def test_a_text_file_named_jpg_fails_with_its_reason_and_leaves_nothing(localstack: Stack) -> None:
    with localstack.listening() as listener:
        localstack.upload("text/notes.jpg", b"these are my notes, not a picture")
        notification = listener.notification("text/notes.jpg")
    assert (notification["status"], notification["failure"]["reason"]) == ("failed", "not-an-image")
    assert localstack.objects(notification["image"]) == []
