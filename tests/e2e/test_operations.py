"""The operator's commands on MiniStack: replay, release, delete, dead letters, audit."""

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
    def run(*arguments: str, code: int = 0) -> str:
        endpoint = ("--endpoint-url", ministack.outputs.endpoint)
        done = subprocess.run(
            [sys.executable, "-m", "infra", *arguments, *endpoint],
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
    """Quarantine flagged images during the test; restore the setting afterwards."""
    client, name = ministack.client("lambda"), ministack.outputs.functions["store"]
    before = client.get_function_configuration(FunctionName=name)["Environment"]
    variables = before["Variables"] | {"MODERATION": "quarantine"}
    ministack.wait_until_idle()
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    yield
    client.update_function_configuration(FunctionName=name, Environment=before)


def completed(listener: Listener, key: str, cat: Path) -> str:
    listener.stack.upload(key, cat.read_bytes())
    notification = listener.notification(key)
    assert notification["status"] == "completed"
    return notification["image"]


def test_a_replayed_image_has_a_second_notification_and_only_its_new_run_remains(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "replay/cat.jpg", cat)
        infra("replay", image)
        replayed = listener.notification("replay/cat.jpg")
    assert (replayed["status"], replayed["run"]) == ("completed", 1)
    keys = [key for key in ministack.objects(image) if not key.startswith("results/")]
    assert {key.split("/")[2] for key in keys} == {"1"}


def test_failed_images_are_listed_and_replayed(ministack: Stack, infra: Infra) -> None:
    with ministack.listening() as listener:
        ministack.upload("replay/text.jpg", b"no picture")
        image = listener.notification("replay/text.jpg")["image"]
        assert image in infra("replay", "--failed", "--since", "1h", "--dry-run")
        assert image not in infra("replay", "--failed", "--reason", "stuck", "--dry-run")
        infra("replay", image)
        replayed = listener.notification("replay/text.jpg")
    assert (replayed["status"], replayed["run"]) == ("failed", 1)


def test_a_deleted_image_leaves_nothing_and_cannot_be_replayed(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "delete/cat.jpg", cat)
        infra("delete", image, "--yes")
        assert listener.notification("delete/cat.jpg")["status"] == "deleted"
    assert ministack.objects(image) == []
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
        store_moderation_answer(ministack, image, run=1, names=["Smoking"])
        infra("replay", image)
        quarantined = listener.notification("quarantine/cat.jpg")
        assert (quarantined["run"], quarantined["quarantined"], quarantined["renditions"]) == (
            1,
            True,
            [],
        )
        assert (result(ministack, image)["quarantined"], renditions(ministack, image)) == (True, [])
        assert f"{image}  run 1" in infra("quarantine")
        infra("release", image)
        released = listener.notification("quarantine/cat.jpg")
    assert (released["status"], released["quarantined"]) == ("released", False)
    assert renditions(ministack, image) == released["renditions"] != []
    assert image not in infra("quarantine")


def store_moderation_answer(stack: Stack, image: str, run: int, names: list[str]) -> None:
    """Store a moderation answer for the run, which reuses it instead of calling Rekognition."""
    document = object_at(stack, f"analyses/{image}/{run - 1}/analysis.json") | {"run": run}
    labels = [{"Name": name, "ParentName": "", "Confidence": 99.0} for name in names]
    document["answers"]["moderation"]["ModerationLabels"] = labels
    stack.client("s3").put_object(
        Bucket=stack.outputs.buckets["processed"],
        Key=f"analyses/{image}/{run}/analysis.json",
        Body=json.dumps(document).encode(),
    )


def result(stack: Stack, image: str) -> dict[str, Any]:
    return object_at(stack, f"results/{image}.json")


def renditions(stack: Stack, image: str) -> list[dict[str, Any]]:
    return result(stack, image)["renditions"]


def test_an_audit_finds_an_object_without_a_record(ministack: Stack, infra: Infra) -> None:
    ministack.wait_until_idle()
    assert "every object is accounted for" in infra("audit")
    bucket = ministack.outputs.buckets["processed"]
    key = "renditions/00000000-0000-5000-8000-000000000000/0/web.jpeg"
    ministack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"left behind")
    try:
        assert key in infra("audit", code=1)
    finally:
        ministack.client("s3").delete_object(Bucket=bucket, Key=key)


def test_an_upload_whose_event_was_lost_is_found_and_fails(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    s3, bucket = ministack.client("s3"), ministack.outputs.buckets["uploads"]
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        ministack.upload("lost/cat.jpg", cat.read_bytes())
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )
    with ministack.listening() as listener:
        assert "lost/cat.jpg" in infra("reap", "--silence", "0s")
        notification = listener.notification("lost/cat.jpg")
        assert (notification["status"], notification["failure"]["reason"]) == ("failed", "lost")
        infra("replay", notification["image"])
        assert listener.notification("lost/cat.jpg")["status"] == "completed"


def test_dead_letters_are_listed_by_reason(ministack: Stack, infra: Infra) -> None:
    queue = ministack.outputs.queues["notify"]
    ministack.client("sqs").send_message(QueueUrl=queue, MessageBody="gibberish")
    ministack.wait_until_idle()
    output = infra("dead-letters")
    assert "unreadable (" in output
    assert "notify" in output
    assert "0 of" in infra("dead-letters", "--replay")


def object_at(stack: Stack, key: str) -> dict[str, Any]:
    return json.loads(stack.object(key)["Body"].read())


def reusable(stack: Stack) -> set[str]:
    """The images that the index of reusable analyses names."""
    bucket = stack.outputs.buckets["processed"]
    answer = stack.client("s3").list_objects_v2(Bucket=bucket, Prefix="reuse/")
    return {object_at(stack, entry["Key"])["image"] for entry in answer.get("Contents", [])}


def test_a_reanalysis_copies_the_renditions_and_stores_the_previous_version(
    ministack: Stack, infra: Infra, cat: Path
) -> None:
    with ministack.listening() as listener:
        image = completed(listener, "reanalysis/cat.jpg", cat)
        before = object_at(ministack, f"analyses/{image}/0/analysis.json")
        output = infra("replay", "--analyze-only", "--analyzer", "rekognition", image)
        assert f"replaying {image}" in output
        replayed = listener.notification("reanalysis/cat.jpg")
    assert (replayed["status"], replayed["run"]) == ("completed", 1)
    (version,) = result(ministack, image)["versions"]
    assert object_at(ministack, version["document"]) == before
    keys = [key for key in ministack.objects(image) if not key.startswith("results/")]
    assert {key.split("/")[2] for key in keys} == {"1"}
    for rendition in replayed["renditions"]:
        assert "immutable" in ministack.object(rendition["key"])["CacheControl"]


def test_an_analysis_is_reused_and_survives_the_deletion_of_its_origin(
    ministack: Stack, infra: Infra, tmp_path: Path
) -> None:
    picture = tmp_path / "noise.jpg"
    picture.write_bytes(encoded(noise(200, 200), "JPEG"))
    with ministack.listening() as listener:
        first = completed(listener, "reuse/1.jpg", picture)
        assert first in reusable(ministack)
        second = completed(listener, "reuse/2.jpg", picture)
        infra("delete", first, "--yes")
        assert listener.notification("reuse/1.jpg")["status"] == "deleted"
    document = object_at(ministack, f"analyses/{second}/0/analysis.json")
    assert document["reused_from"] == {"image": first, "run": 0}
    assert first not in reusable(ministack)
    assert ministack.objects(first) == []


def test_an_image_without_a_published_run_is_not_analysed_again(
    ministack: Stack, infra: Infra
) -> None:
    with ministack.listening() as listener:
        ministack.upload("reanalysis/text.jpg", b"no picture")
        image = listener.notification("reanalysis/text.jpg")["image"]
    assert "no published run" in infra("replay", "--analyze-only", image, code=1)
