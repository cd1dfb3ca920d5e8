"""AWS stages deployed to MiniStack, whose functions are not run.

Its CloudFormation supports change sets, rollback, retention and import as AWS's does.
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
from infra.deploy.consent import AccountRegion, Consent
from infra.deploy.deploy import deploy, destroy, plan
from infra.errors import InfraError
from infra.local.ministack import MiniStack
from infra.packaging.package import Target

QUIET: Callable[[str], None] = lambda _: None  # noqa: E731 - a named no-op


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    home = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alarms, "EFFECTS_OF", {})  # metric math, which MiniStack rejects
        # MiniStack uses plain HTTP internally, which the policies of an AWS stage deny.
        with MiniStack(home, ports.free(), auth=False) as emulator:
            yield Clients(emulator.endpoint, "eu-west-1")


@pytest.fixture
def dev(clients: Clients) -> Iterator[Stage]:
    stage = Stage.load("dev")
    yield stage
    destroy(stage, clients, QUIET)


def up(stage: Stage, clients: Clients, **options: Any) -> list[str]:
    """Deploy; return the lines that were printed."""
    lines: list[str] = []
    deploy(stage, clients, Target.here(), lines.append, **options)
    return lines


def status(stage: Stage, clients: Clients) -> str:
    stacks = clients.client("cloudformation").describe_stacks()["Stacks"]
    statuses = [s["StackStatus"] for s in stacks if s["StackName"] == stage.called()]
    (status,) = statuses or [""]
    return status


def test_a_stage_is_deployed_updated_and_destroyed(dev: Stage, clients: Clients):
    assert "creating stack darkroom-dev" in up(dev, clients)
    assert up(dev, clients)[0] == "stage dev is up to date"

    longer = replace(dev, log_retention=30)
    planned = [line.split() for line in plan(longer, clients, Target.here(), QUIET)]
    # On AWS it is "change": MiniStack calls every change of a log group a possible replacement.
    assert ["may", "replace", "StoreLogs", "Logs::LogGroup", "RetentionInDays"] in planned
    assert up(dev, clients)[0] == "stage dev is up to date"
    assert "updating stack darkroom-dev" in up(longer, clients)
    groups = clients.client("logs").describe_log_groups()["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {30}

    uploads = dev.bucket("uploads", "000000000000")
    for body in (b"1", b"2"):
        clients.client("s3").put_object(Bucket=uploads, Key="a.jpg", Body=body)
    assert not [r for r in destroy(dev, clients, QUIET) if r.kind in HOLDS_DATA]
    assert status(dev, clients) == ""
    names = {bucket["Name"] for bucket in clients.client("s3").list_buckets()["Buckets"]}
    assert not names & {dev.bucket(kind, "000000000000") for kind in BUCKETS}


def test_a_change_without_consent_is_not_applied(dev: Stage, clients: Clients):
    account_region = AccountRegion.of(dev, clients)
    lines: list[str] = []
    answers = iter(["n", "y", "n"])
    consent = Consent(confirmed=False, terminal=True, ask=lambda _: next(answers))

    def agree(changes: tuple[Change, ...]) -> None:
        consent.to_apply(dev, account_region, changes, lines.append)

    with pytest.raises(InfraError, match="nothing was changed"):
        up(dev, clients, agree=agree)
    assert status(dev, clients) == ""
    up(dev, clients, agree=agree)
    with pytest.raises(InfraError, match="nothing was changed"):
        up(replace(dev, log_retention=30), clients, agree=agree)
    assert up(dev, clients)[0] == "stage dev is up to date"
    assert lines[0].startswith("changes to stage dev in account 000000000000, region eu-west-1")
    assert "  create  StoreLogs" in lines[1]


def test_a_failed_deployment_succeeds_once_its_cause_is_removed(dev: Stage, clients: Clients):
    s3, existing = clients.client("s3"), dev.bucket("uploads", "000000000000")
    configuration = {"LocationConstraint": clients.region}
    s3.create_bucket(Bucket=existing, CreateBucketConfiguration=configuration)
    with pytest.raises(InfraError, match=rf"UploadsBucket \(AWS::S3::Bucket\): .*{existing}"):
        up(dev, clients)
    assert status(dev, clients) == "ROLLBACK_COMPLETE"
    s3.delete_bucket(Bucket=existing)
    assert "stage dev is deployed" in up(dev, clients)


def test_a_deployment_killed_before_it_began_can_be_repeated(dev: Stage, clients: Clients):
    class Killed(Exception):
        pass

    def die(_: tuple[Change, ...]) -> None:
        raise Killed

    with pytest.raises(Killed):
        up(dev, clients, agree=die)
    assert status(dev, clients) == "REVIEW_IN_PROGRESS"
    assert "stage dev is deployed" in up(dev, clients)


def test_the_next_deployment_of_prod_plans_to_import_retained_resources(
    clients: Clients, cat: Path
):
    """It plans only: MiniStack 1.5.33 creates the change set but cannot import a bucket."""
    prod = Stage.load("prod")
    s3, uploads = clients.client("s3"), prod.bucket("uploads", "000000000000")
    up(prod, clients)
    s3.put_object(Bucket=uploads, Key="cat.jpg", Body=cat.read_bytes())

    left = destroy(prod, clients, QUIET)

    retained = {"UploadsBucket", "ProcessedBucket", "RecordsTable", "LedgerTable"}
    assert retained <= {resource.name for resource in left}
    assert s3.get_object(Bucket=uploads, Key="cat.jpg")["Body"].read() == cat.read_bytes()

    planned = [line.split() for line in plan(prod, clients, Target.here(), QUIET)]
    assert {line[1] for line in planned if line[:1] == ["import"]} == retained
