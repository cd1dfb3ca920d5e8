"""Stages as they are on AWS, deployed to a MiniStack: all but what is in the functions.

Its CloudFormation makes change sets, rolls back, retains and takes over as AWS's does.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import ports
from infra.clients import Clients
from infra.cloudformation import alarms
from infra.cloudformation.storage import BUCKETS
from infra.config.stages import Stage
from infra.deploy.changes import HOLDS_DATA, Change
from infra.deploy.consent import Consent, AccountRegion
from infra.deploy.deploy import deploy, destroy, plan
from infra.errors import InfraError
from infra.local.ministack import MiniStack
from infra.packaging.package import Target

QUIET: Callable[[str], None] = lambda _: None  # noqa: E731  a name for saying nothing


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    home = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alarms, "EFFECTS_OF", {})  # metric math, which it refuses
        # It speaks plain HTTP, also to itself, which the policies of a stage on AWS refuse.
        with MiniStack(home, ports.free(), auth=False) as emulator:
            yield Clients(emulator.endpoint, "eu-west-1")


@pytest.fixture
def dev(clients: Clients) -> Iterator[Stage]:
    stage = Stage.load("dev")
    yield stage
    destroy(stage, clients, QUIET)


def up(stage: Stage, clients: Clients, **how: Any) -> list[str]:
    """Deploy; what was said."""
    said: list[str] = []
    deploy(stage, clients, Target.here(), said.append, **how)
    return said


def status(stage: Stage, clients: Clients) -> str:
    found = clients.client("cloudformation").describe_stacks()["Stacks"]
    (own,) = [each["StackStatus"] for each in found if each["StackName"] == stage.called()] or [""]
    return own


def test_a_stage_is_deployed_changed_left_alone_and_taken_down(dev: Stage, clients: Clients):
    assert "creating stack darkroom-dev" in up(dev, clients)
    assert up(dev, clients)[0] == "stage dev is up to date"

    longer = replace(dev, log_retention=30)
    shown = [line.split() for line in plan(longer, clients, Target.here(), QUIET)]
    # On AWS it is "change": MiniStack calls every change of a log group a possible replacement.
    assert ["may", "replace", "StoreLogs", "Logs::LogGroup", "RetentionInDays"] in shown
    assert up(dev, clients)[0] == "stage dev is up to date"
    assert "updating stack darkroom-dev" in up(longer, clients)
    groups = clients.client("logs").describe_log_groups()["logGroups"]
    assert {each["retentionInDays"] for each in groups} == {30}

    uploads = dev.bucket("uploads", "000000000000")
    for body in (b"1", b"2"):
        clients.client("s3").put_object(Bucket=uploads, Key="a.jpg", Body=body)
    assert not [one for one in destroy(dev, clients, QUIET) if one.kind in HOLDS_DATA]
    assert status(dev, clients) == ""
    names = {each["Name"] for each in clients.client("s3").list_buckets()["Buckets"]}
    assert not names & {dev.bucket(kind, "000000000000") for kind in BUCKETS}


def test_what_nobody_agrees_to_is_not_done(dev: Stage, clients: Clients):
    account_region = AccountRegion.of(dev, clients)
    said: list[str] = []
    answers = iter(["n", "y", "n"])
    consent = Consent(given=False, terminal=True, ask=lambda _: next(answers))

    def agree(changes: tuple[Change, ...]) -> None:
        consent.to_apply(dev, account_region, changes, said.append)

    with pytest.raises(InfraError, match="nothing was changed"):
        up(dev, clients, agree=agree)
    assert status(dev, clients) == ""
    up(dev, clients, agree=agree)
    with pytest.raises(InfraError, match="nothing was changed"):
        up(replace(dev, log_retention=30), clients, agree=agree)
    assert up(dev, clients)[0] == "stage dev is up to date"
    assert said[0].startswith("changes to stage dev in account 000000000000, region eu-west-1")
    assert "  create  StoreLogs" in said[1]


def test_a_deployment_that_failed_is_run_again_once_its_cause_is_gone(dev: Stage, clients: Clients):
    s3, taken = clients.client("s3"), dev.bucket("uploads", "000000000000")
    where = {"LocationConstraint": clients.region}
    s3.create_bucket(Bucket=taken, CreateBucketConfiguration=where)
    with pytest.raises(InfraError, match=rf"UploadsBucket \(AWS::S3::Bucket\): .*{taken}"):
        up(dev, clients)
    assert status(dev, clients) == "ROLLBACK_COMPLETE"
    s3.delete_bucket(Bucket=taken)
    assert "stage dev is deployed" in up(dev, clients)


def test_a_deployment_that_was_killed_before_it_began_is_run_again(dev: Stage, clients: Clients):
    class Killed(Exception):
        pass

    def die(_: tuple[Change, ...]) -> None:
        raise Killed

    with pytest.raises(Killed):
        up(dev, clients, agree=die)
    assert status(dev, clients) == "REVIEW_IN_PROGRESS"
    assert "stage dev is deployed" in up(dev, clients)


def test_what_prod_retains_would_be_taken_over_by_its_next_deployment(clients: Clients, cat: Path):
    """Would be: MiniStack 1.5.33 makes that change set, and takes the bucket's name for taken."""
    prod = Stage.load("prod")
    s3, uploads = clients.client("s3"), prod.bucket("uploads", "000000000000")
    up(prod, clients)
    s3.put_object(Bucket=uploads, Key="cat.jpg", Body=cat.read_bytes())

    left = destroy(prod, clients, QUIET)

    kept = {"UploadsBucket", "ProcessedBucket", "RecordsTable", "LedgerTable"}
    assert kept <= {each.name for each in left}
    assert s3.get_object(Bucket=uploads, Key="cat.jpg")["Body"].read() == cat.read_bytes()

    found = [line.split() for line in plan(prod, clients, Target.here(), QUIET)]
    assert {line[1] for line in found if line[:1] == ["import"]} == kept
