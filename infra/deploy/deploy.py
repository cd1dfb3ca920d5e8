"""Deploying a stage and taking it down: zips and template to S3, one stack, and the page."""

from collections.abc import Iterable
from pathlib import Path

from infra.clients import Clients
from infra.cloudformation.cfn import Json, logical
from infra.config.definitions import ROOT, Definition, definitions
from infra.config.stages import Stage
from infra.deploy import publish
from infra.deploy.artifacts import Artifacts, empty
from infra.deploy.changes import change_lines
from infra.deploy.consent import AccountRegion
from infra.deploy.outputs import Outputs
from infra.deploy.stack import Agree, Resource, Stack, agreed
from infra.deploy.stage_template import stage_template
from infra.packaging.package import Target, package
from infra.terminal import Say


def deploy(
    stage: Stage,
    clients: Clients,
    target: Target,
    say: Say,
    rekognition: str | None = None,
    *,
    agree: Agree = agreed,
    role: str | None = None,
    root: Path = ROOT,
) -> Outputs:
    """Make what is deployed be what the checkout at `root` says; run again, it changes nothing.

    `rekognition` is where the local Rekognition listens, as the functions reach it; `role` the ARN
    of one that CloudFormation takes, where the caller's own rights do not suffice. InfraError says
    in one line what failed, or is what `agree` raises about the changes that it is shown; a
    deployment that failed, or was killed, can be run again.
    """
    url, parameters = _prepared(stage, clients, target, say, root=root)
    if rekognition:
        parameters["RekognitionEndpoint"] = rekognition
    stack = Stack(clients, stage, role=role)
    changed = stack.apply(url, parameters, say, agree)
    say(f"stage {stage.name} is deployed" if changed else f"stage {stage.name} is up to date")
    publish.page(stack.outputs(), stage, clients, say)
    return Outputs.read(stage, clients)


def plan(
    stage: Stage, clients: Clients, target: Target, say: Say, *, root: Path = ROOT
) -> list[str]:
    """What deploying would change, as lines for people; nothing where it is up to date.

    InfraError where the stack has to be mended first, which this does not do.
    """
    url, parameters = _prepared(stage, clients, target, say, root=root)
    stack = Stack(clients, stage)
    proposal = stack.propose(url, parameters, say, mend=False)
    if proposal is None:
        return []
    stack.withdraw(proposal)
    return change_lines(proposal.changes)


def destroy(stage: Stage, clients: Clients, say: Say) -> list[Resource]:
    """Take a stage down, with its data unless it retains that; run again, it does nothing.

    What it retains is what it returns.
    """
    account = AccountRegion.of(stage, clients).account
    s3, stack = clients.client("s3"), Stack(clients, stage)
    found = stack.resources()
    for one in found:
        if one.kind == "AWS::S3::Bucket" and not one.retained:
            empty(s3, one.physical)  # AWS refuses to delete a bucket that holds anything
    if not stack.delete(say):
        say(f"stage {stage.name} is not deployed")
    if stage.local:
        Artifacts(clients, stage, account).delete()
    return [one for one in found if one.retained]


def _prepared(
    stage: Stage, clients: Clients, target: Target, say: Say, *, root: Path
) -> tuple[str, dict[str, str]]:
    """Zips and template in the artifacts' bucket: the template's URL, and its parameters."""
    account = AccountRegion.of(stage, clients).account
    services = definitions(root)
    artifacts = Artifacts(clients, stage, account)
    artifacts.ensure()
    parameters = {
        "Runtime": target.runtime,
        "CodeBucket": artifacts.bucket,
        **_code(stage.run(services), target, artifacts, say),
        **({"PublicEndpoint": clients.endpoint_url or ""} if stage.local else {}),
    }
    return artifacts.keep_template(_named(stage_template(services, stage), account)), parameters


def _code(
    services: Iterable[Definition], target: Target, artifacts: Artifacts, say: Say
) -> dict[str, str]:
    """Package every service and upload new zips; returns the template's parameters for them."""
    found = {}
    for service in services:
        built = package(service, target, say)
        found[logical(service.name, "Code")] = artifacts.keep(service.name, built, say)
        found[logical(service.name, "Architecture")] = target.of(service).architecture
    return found


def _named(template: Json, account: str) -> Json:
    """The template with its buckets' names spelled out.

    CloudFormation takes over what an earlier stack left only by a name that it need not work out.
    """
    for one in template["Resources"].values():
        name = one["Properties"].get("BucketName")
        if one["Type"] == "AWS::S3::Bucket" and isinstance(name, dict):
            one["Properties"]["BucketName"] = name["Fn::Sub"].replace("${AWS::AccountId}", account)
    return template
