"""Deploying a stage and taking it down: zips and template to S3, one stack, and the page."""

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from infra.cli import options as commands
from infra.cli.options import Say
from infra.clients import Clients
from infra.cloudformation.cfn import Json, logical
from infra.cloudformation.template import template
from infra.config.definitions import ROOT, Definition, definitions
from infra.config.stages import Stage
from infra.deploy import publish
from infra.deploy.artifacts import Artifacts, empty
from infra.deploy.changes import told
from infra.deploy.consent import Consent, Place
from infra.deploy.outputs import Outputs
from infra.deploy.stack import Agree, Resource, Stack, agreed
from infra.packaging.package import Target, add_target, chosen_target, package


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
    return told(proposal.changes)


def destroy(stage: Stage, clients: Clients, say: Say) -> list[Resource]:
    """Take a stage down, with its data unless it retains that; run again, it does nothing.

    What it retains is what it returns.
    """
    account = Place.of(stage, clients).account
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


def register(subcommands: "commands.Subcommands") -> None:
    """Add `deploy` and `destroy`."""
    parser = commands.add(subcommands, "deploy", _deploy, "deploy a stage, or bring it up to date")
    add_target(parser)
    parser.add_argument(
        "--rekognition-url", help="the local Rekognition, as the functions reach it"
    )
    parser.add_argument("--plan", action="store_true", help="only show what would change")
    parser.add_argument("--role", help="the ARN of a role that CloudFormation takes")
    parser.add_argument("--yes", action="store_true", help="apply what changes without asking")
    parser = commands.add(
        subcommands, "destroy", _destroy, "take a stage down; prod keeps its data"
    )
    parser.add_argument("--confirm", metavar="NAME", help="the stage's name, instead of typing it")


def _deploy(arguments: argparse.Namespace) -> None:
    stage, clients = commands.stage_and_clients(arguments)
    target = chosen_target(arguments, stage)
    if arguments.plan:
        print("\n".join(plan(stage, clients, target, commands.say) or ["nothing would change"]))
        return
    consent = Consent.of(given=arguments.yes)
    consent.require_a_way(stage)
    place = Place.of(stage, clients)
    agree = partial(consent.to_apply, stage, place, say=commands.say)
    url, role = arguments.rekognition_url, arguments.role
    outputs = deploy(stage, clients, target, commands.say, url, agree=agree, role=role)
    print(outputs.as_text())


def _destroy(arguments: argparse.Namespace) -> None:
    stage, clients = commands.stage_and_clients(arguments)
    consent = Consent.of(given=arguments.confirm == stage.name)
    consent.to_destroy(stage, Place.of(stage, clients), commands.say)
    left = destroy(stage, clients, commands.say)
    if not stage.local:
        account = Place.of(stage, clients).account
        print(f"left, for whoever deploys again: s3://{stage.bucket('artifacts', account)}")
    if left:
        print("left, and taken over again by the next deployment:")
        print("\n".join(f"  {one.kind.removeprefix('AWS::')}  {one.physical}" for one in left))


def _prepared(
    stage: Stage, clients: Clients, target: Target, say: Say, *, root: Path
) -> tuple[str, dict[str, str]]:
    """Zips and template in the artifacts' bucket: the template's URL, and its parameters."""
    account = Place.of(stage, clients).account
    services = definitions(root)
    artifacts = Artifacts(clients, stage, account)
    artifacts.ensure()
    parameters = {
        "Runtime": target.runtime,
        "CodeBucket": artifacts.bucket,
        **_code(stage.run(services), target, artifacts, say),
        **({"PublicEndpoint": clients.endpoint_url or ""} if stage.local else {}),
    }
    return artifacts.keep_template(_named(template(services, stage), account)), parameters


def _code(
    services: Iterable[Definition], target: Target, artifacts: Artifacts, say: Say
) -> dict[str, str]:
    """Package every service, upload what is new, and tell the template where and for what it is."""
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
