"""The operator's commands against a real stack: replay, release, delete, dead letters, audit."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.stack import Listener, Stack
from tests.pictures import encoded, noise

ROOT = Path(__file__).parents[2]
Infra = Callable[..., str]


@pytest.fixture
def infra(ministack: Stack) -> Infra:
    def run(*words: str, code: int = 0) -> str:
        endpoint = ("--endpoint-url", ministack.outputs.endpoint)
        done = subprocess.run(
            [sys.executable, "-m", "infra", *words, *endpoint],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def quarantine(ministack: Stack) -> Iterator[None]:
    """The stage withholds what is flagged; as it was, afterwards."""
    client, name = ministack.client("lambda"), ministack.outputs.functions["store"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]
    variables = before["Variables"] | {"MODERATION": "quarantine"}
    ministack.wait_until_idle()
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    yield
    client.update_function_configuration(FunctionName=name, Environment=before)


def completed(listener: Listener, key: str, cat: Path) -> str:
    listener.stack.upload(key, cat.read_bytes())
    told = listener.hear(key)[key]
    assert told["status"] == "completed"
    return told["image"]


def test_a_replayed_image_is_told_again_and_only_its_new_run_is_left(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "replay/cat.jpg", cat)
        infra("replay", image)
        again = listener.hear("replay/cat.jpg")["replay/cat.jpg"]
    assert (again["status"], again["run"]) == ("completed", 1)
    kept = [key for key in ministack.made(image) if not key.startswith("results/")]
    assert {key.split("/")[2] for key in kept} == {"1"}


def test_failed_images_are_found_and_replayed(ministack: Stack, infra: Infra) -> None:
    with ministack.listening() as listener:
        ministack.upload("replay/text.jpg", b"no picture")
        image = listener.hear("replay/text.jpg")["replay/text.jpg"]["image"]
        assert image in infra("replay", "--failed", "--since", "1h", "--dry-run")
        assert image not in infra("replay", "--failed", "--reason", "stuck", "--dry-run")
        infra("replay", image)
        again = listener.hear("replay/text.jpg")["replay/text.jpg"]
    assert (again["status"], again["run"]) == ("failed", 1)


def test_a_deleted_image_leaves_nothing_and_cannot_be_replayed(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "delete/cat.jpg", cat)
        infra("delete", image, "--yes")
        assert listener.hear("delete/cat.jpg")["delete/cat.jpg"]["status"] == "deleted"
    assert ministack.made(image) == []
    with pytest.raises(ClientError, match="NoSuchKey"):
        ministack.client("s3").get_object(
            Bucket=ministack.outputs.buckets["uploads"], Key="delete/cat.jpg"
        )
    assert "was deleted" in infra("replay", image, code=1)


def test_a_flagged_image_is_quarantined_until_it_is_released(
    ministack: Stack, infra: Infra, cat: Path, quarantine: None
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "quarantine/cat.jpg", cat)
        keep_as_answered(ministack, image, run=1, names=["Smoking"])
        infra("replay", image)
        quarantined = listener.hear("quarantine/cat.jpg")["quarantine/cat.jpg"]
        assert (quarantined["run"], quarantined["quarantined"], quarantined["renditions"]) == (
            1,
            True,
            [],
        )
        assert (result(ministack, image)["quarantined"], renditions(ministack, image)) == (True, [])
        assert f"{image}  run 1" in infra("quarantine")
        infra("release", image)
        released = listener.hear("quarantine/cat.jpg")["quarantine/cat.jpg"]
    assert (released["status"], released["quarantined"]) == ("released", False)
    assert renditions(ministack, image) == released["renditions"] != []
    assert image not in infra("quarantine")


def keep_as_answered(stack: Stack, image: str, run: int, names: list[str]) -> None:
    """What Rekognition would say is in the picture: the run finds it asked and kept already."""
    document = object_at(stack, f"analyses/{image}/{run - 1}/analysis.json") | {"run": run}
    found = [{"Name": name, "ParentName": "", "Confidence": 99.0} for name in names]
    document["answers"]["moderation"]["ModerationLabels"] = found
    stack.client("s3").put_object(
        Bucket=stack.outputs.buckets["processed"],
        Key=f"analyses/{image}/{run}/analysis.json",
        Body=json.dumps(document).encode(),
    )


def result(stack: Stack, image: str) -> dict[str, Any]:
    return object_at(stack, f"results/{image}.json")


def renditions(stack: Stack, image: str) -> list[dict[str, Any]]:
    return result(stack, image)["renditions"]


def test_an_audit_finds_what_nobody_accounts_for(ministack: Stack, infra: Infra) -> None:
    ministack.wait_until_idle()
    assert "every object is accounted for" in infra("audit")
    bucket = ministack.outputs.buckets["processed"]
    key = "renditions/00000000-0000-5000-8000-000000000000/0/web.jpeg"
    ministack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"left behind")
    try:
        assert key in infra("audit", code=1)
    finally:
        ministack.client("s3").delete_object(Bucket=bucket, Key=key)


def test_an_upload_whose_event_was_lost_is_found_and_ends(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    s3, bucket = ministack.client("s3"), ministack.outputs.buckets["uploads"]
    wired = s3.get_bucket_notification_configuration(Bucket=bucket)
    wired.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        ministack.upload("lost/cat.jpg", cat.read_bytes())
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wired)
    with ministack.listening() as listener:
        assert "lost/cat.jpg" in infra("reap", "--silence", "0s")
        told = listener.hear("lost/cat.jpg")["lost/cat.jpg"]
        assert (told["status"], told["failure"]["reason"]) == ("failed", "lost")
        infra("replay", told["image"])
        assert listener.hear("lost/cat.jpg")["lost/cat.jpg"]["status"] == "completed"


def test_dead_letters_are_listed_by_reason(ministack: Stack, infra: Infra) -> None:
    queue = ministack.outputs.queues["notify"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody="gibberish")
    ministack.wait_until_idle()
    said = infra("dead-letters")
    assert "unreadable (" in said
    assert "notify" in said
    assert "0 of" in infra("dead-letters", "--replay")


def object_at(stack: Stack, key: str) -> dict[str, Any]:
    return json.loads(stack.object(key)["Body"].read())


def entries(stack: Stack) -> set[str]:
    """The images that the index of analysed content points at."""
    bucket = stack.outputs.buckets["processed"]
    answer = stack.client("s3").list_objects_v2(Bucket=bucket, Prefix="reuse/")
    return {object_at(stack, found["Key"])["image"] for found in answer.get("Contents", [])}


def test_a_reanalysis_copies_the_renditions_and_keeps_the_version_before(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "anew/cat.jpg", cat)
        before = object_at(ministack, f"analyses/{image}/0/analysis.json")
        said = infra("replay", "--analyze-only", "--analyzer", "rekognition", image)
        assert f"replaying {image}" in said
        again = listener.hear("anew/cat.jpg")["anew/cat.jpg"]
    assert (again["status"], again["run"]) == ("completed", 1)
    (version,) = result(ministack, image)["versions"]
    assert object_at(ministack, version["document"]) == before
    kept = [key for key in ministack.made(image) if not key.startswith("results/")]
    assert {key.split("/")[2] for key in kept} == {"1"}
    for rendition in again["renditions"]:
        assert "immutable" in ministack.object(rendition["key"])["CacheControl"]


def test_the_same_content_is_reused_and_outlives_its_origin(
    ministack: Stack, infra: Infra, tmp_path: Path
) -> None:
    picture = tmp_path / "noise.jpg"
    picture.write_bytes(encoded(noise(200, 200), "JPEG"))
    with ministack.listening() as listener:
        first = completed(listener, "reuse/1.jpg", picture)
        assert first in entries(ministack)
        second = completed(listener, "reuse/2.jpg", picture)
        infra("delete", first, "--yes")
        assert listener.hear("reuse/1.jpg")["reuse/1.jpg"]["status"] == "deleted"
    document = object_at(ministack, f"analyses/{second}/0/analysis.json")
    assert document["reused_from"] == {"image": first, "run": 0}
    assert first not in entries(ministack)
    assert ministack.made(first) == []


def test_what_was_never_published_is_not_analysed_again(ministack: Stack, infra: Infra) -> None:
    with ministack.listening() as listener:
        ministack.upload("anew/text.jpg", b"no picture")
        image = listener.hear("anew/text.jpg")["anew/text.jpg"]["image"]
    assert "no published run" in infra("replay", "--analyze-only", image, code=1)
