"""Deploy a stage (zips and template to S3, one stack, the page), and delete it."""

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
from infra.deploy.stack import Agree, Resource, Stack, always_agree
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
    agree: Agree = always_agree,
    role: str | None = None,
    root: Path = ROOT,
) -> Outputs:
    """Deploy the checkout at `root`. Idempotent: a second deployment changes nothing.

    `rekognition` is the URL at which the functions reach the local Rekognition. `role` is the ARN
    of the role that CloudFormation assumes; default: the caller's own rights. InfraError if the
    deployment fails or `agree` refuses the changes. A failed or interrupted deployment can be run
    again.
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
    """The changes that a deployment would make, as lines of text; empty if it is up to date.

    InfraError if the stack must be repaired first, which this does not do.
    """
    url, parameters = _prepared(stage, clients, target, say, root=root)
    stack = Stack(clients, stage)
    proposal = stack.propose(url, parameters, say, repair=False)
    if proposal is None:
        return []
    stack.withdraw(proposal)
    return change_lines(proposal.changes)


def destroy(stage: Stage, clients: Clients, say: Say) -> list[Resource]:
    """Delete a stage; returns the resources that it retains. Idempotent."""
    account = AccountRegion.of(stage, clients).account
    s3, stack = clients.client("s3"), Stack(clients, stage)
    resources = stack.resources()
    for resource in resources:
        if resource.kind == "AWS::S3::Bucket" and not resource.retained:
            empty(s3, resource.physical)  # AWS refuses to delete a bucket that is not empty
    if not stack.delete(say):
        say(f"stage {stage.name} is not deployed")
    if stage.local:
        Artifacts(clients, stage, account).delete()
    return [resource for resource in resources if resource.retained]


def _prepared(
    stage: Stage, clients: Clients, target: Target, say: Say, *, root: Path
) -> tuple[str, dict[str, str]]:
    """Upload zips and template; returns the template's URL and its parameters."""
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
    return artifacts.put_template(_named(stage_template(services, stage), account)), parameters


def _code(
    services: Iterable[Definition], target: Target, artifacts: Artifacts, say: Say
) -> dict[str, str]:
    """Package every service and upload new zips; returns the template's parameters for them."""
    found = {}
    for service in services:
        built = package(service, target, say)
        found[logical(service.name, "Code")] = artifacts.put_zip(service.name, built, say)
        found[logical(service.name, "Architecture")] = target.of(service).architecture
    return found


def _named(template: Json, account: str) -> Json:
    """The template with literal bucket names.

    CloudFormation imports an existing bucket only by a literal name, not by an Fn::Sub.
    """
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        name = properties.get("BucketName")
        if resource["Type"] == "AWS::S3::Bucket" and isinstance(name, dict):
            properties["BucketName"] = name["Fn::Sub"].replace("${AWS::AccountId}", account)
    return template
