"""Retention: the stage's days are the settings of S3, SQS and DynamoDB."""

from dataclasses import replace

import pytest

from infra.cloudformation import messaging
from infra.config import retention
from infra.config.definitions import definitions
from infra.config.retention import Retention
from infra.config.stages import FOLDER, Stage
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from shared.ledger import RETENTION


@pytest.fixture
def load(tmp_path):
    def load(lines):
        text = (FOLDER / "dev.toml").read_text()
        assert "[retention]" in text
        text = text[: text.index("[retention]")]
        (tmp_path / "mine.toml").write_text(f"{text}[retention]\n{lines}\n")
        return Stage.load("mine", tmp_path)

    return load


def resources(stage):
    return stage_template(definitions(), stage)["Resources"]


def rules(stage, bucket):
    """The lifecycle rules of a bucket, by id."""
    lifecycle = resources(stage)[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in lifecycle} == {"Enabled"}
    return {rule["Id"]: rule for rule in lifecycle}


def test_each_kind_of_data_has_its_days(load):
    stage = load("originals = 400\nrenditions = 300\nanalyses = 200\ndead_letters = 10")
    uploads, processed = rules(stage, "UploadsBucket"), rules(stage, "ProcessedBucket")
    assert uploads["originals"]["ExpirationInDays"] == 400
    expirations = {
        rule["Prefix"]: rule["ExpirationInDays"] for rule in processed.values() if "Prefix" in rule
    }
    assert expirations == {
        "renditions/": 300,
        "analyses/": 200,
        "reuse/": 200,
        "dead-letters/": 10,
    }


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_only_dead_letters_expire_by_default(name):
    stage = Stage.load(name)
    all_rules = [*rules(stage, "UploadsBucket").values(), *rules(stage, "ProcessedBucket").values()]
    expiring = {rule["Id"] for rule in all_rules if "ExpirationInDays" in rule}
    assert expiring == {"dead-letters"}


def test_no_rule_combines_actions_that_s3_refuses_together(load):
    """S3 refuses a rule that both expires objects and removes delete markers."""
    stage = load("originals = 400")
    for rule in rules(stage, "UploadsBucket").values():
        assert not {"ExpirationInDays", "ExpiredObjectDeleteMarker"} <= rule.keys()


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ProcessedBucket"])
def test_an_unfinished_upload_is_aborted(load, bucket):
    unfinished = rules(load("unfinished_uploads = 3"), bucket)["unfinished-uploads"]
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}


def test_older_versions_of_originals_expire(load):
    old = rules(load("older_versions = 30"), "UploadsBucket")["old-versions"]
    assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_a_tombstone_outlives_every_message_of_its_image():
    """A dead letter may be replayed on its last day and then wait on a queue and a dead-letter
    queue for as long as possible, and its claim outlives both.
    """
    for days in (1, 90, 1000):
        with pytest.raises(ValueError, match="a late message could recreate a deleted image"):
            Retention(dead_letters=days, tombstones=days + 7 + 14 + 30 - 1)
        assert Retention(dead_letters=days, tombstones=days + 7 + 14 + 30)


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_tombstones_of_each_stage_outlive_messages_dead_letters_and_claims(name):
    stage = Stage.load(name)
    created = resources(stage)
    queues = [
        each["Properties"]["MessageRetentionPeriod"]
        for each in created.values()
        if each["Type"] == "AWS::SQS::Queue"
    ]
    dead_letters = rules(stage, "ProcessedBucket")["dead-letters"]["ExpirationInDays"]
    tombstones = created["StoreFunction"]["Properties"]["Environment"]["Variables"][
        "TOMBSTONE_DAYS"
    ]
    longest = dead_letters + (sum(sorted(set(queues))) + RETENTION) / retention.DAY
    assert sorted(set(queues)) == [messaging.QUEUE_RETENTION, messaging.DEAD_LETTER_RETENTION]
    assert int(tombstones) >= longest


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("tombstones = 30", "retention: tombstones = 30 is less than 141 days"),
        ("originals = 6", "an upload may wait for 7 days on its queue"),
        ("renditions = 0", "retention.renditions: Input should be greater than or equal to 1"),
        ('analyses = "30"', "retention.analyses: Input should be a valid integer"),
        ("photos = 1", "retention.photos: unknown field"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(load, lines, message):
    with pytest.raises(InfraError) as refusal:
        load(lines)
    assert "mine.toml: " in str(refusal.value)
    assert message in str(refusal.value)


def test_the_defaults_are_the_settings_of_dev(tmp_path):
    text = (FOLDER / "dev.toml").read_text()
    (tmp_path / "mine.toml").write_text(text[: text.index("[retention]")])
    without_retention = Stage.load("mine", tmp_path)
    dev = Stage.load("dev")
    assert replace(without_retention, name=dev.name, path=dev.path) == dev
