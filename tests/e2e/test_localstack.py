"""A short pass on LocalStack, one photo at a time: its own runtime, its own dialect of S3."""

from pathlib import Path

from tests.e2e.stack import Stack
from tests.e2e.test_ministack import AWKWARD


def test_a_photo_copied_with_the_aws_cli_comes_out_as_one_notification(
    localstack: Stack, aws_cli, cat: Path
) -> None:
    uploads = localstack.outputs.buckets["uploads"]
    with localstack.listening() as listener:
        aws_cli(localstack)("s3", "cp", str(cat), f"s3://{uploads}/{AWKWARD}")
        told = listener.hear(AWKWARD)[AWKWARD]
    assert told["status"] == "completed"
    assert "Cat" in {label["name"] for label in told["labels"]}


def test_a_text_file_named_jpg_fails_with_its_reason_and_leaves_nothing(localstack: Stack) -> None:
    with localstack.listening() as listener:
        localstack.upload("text/notes.jpg", b"these are my notes, not a picture")
        told = listener.hear("text/notes.jpg")["text/notes.jpg"]
    assert (told["status"], told["failure"]["reason"]) == ("failed", "not-an-image")
    assert localstack.made(told["image"]) == []
