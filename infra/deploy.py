"""Deploying a stage and taking it down: zips and template to S3, then one stack."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from infra import commands
from infra.artifacts import Artifacts, empty
from infra.cfn import logical
from infra.clients import Clients
from infra.commands import Say
from infra.core import BUCKETS
from infra.definitions import ROOT, Definition, definitions
from infra.errors import InfraError
from infra.outputs import Outputs
from infra.package import Target, add_target, chosen_target, package
from infra.stack import Stack
from infra.stages import Stage
from infra.template import template


def deploy(
    stage: Stage,
    clients: Clients,
    target: Target,
    say: Say,
    rekognition: str | None = None,
    *,
    root: Path = ROOT,
) -> Outputs:
    """Make what is deployed be what the checkout at `root` says; run again, it changes nothing.

    `rekognition` is where the local Rekognition listens, as the functions reach it. InfraError says
    in one line what failed; a deployment that failed can be run again.
    """
    _check(stage, clients)
    services = definitions(root)
    artifacts = Artifacts(clients, stage, _account(clients))
    artifacts.ensure()
    parameters = {
        "Runtime": target.runtime,
        "Architecture": target.architecture,
        "CodeBucket": artifacts.bucket,
        **_code(stage.run(services), target, artifacts, say),
        **({"RekognitionEndpoint": rekognition} if rekognition else {}),
        **({"PublicEndpoint": clients.endpoint_url or ""} if stage.local else {}),
    }
    url = artifacts.keep_template(template(services, stage))
    changed = Stack(clients, stage).apply(url, parameters, say)
    say(f"stage {stage.name} is deployed" if changed else f"stage {stage.name} is up to date")
    return Outputs.read(stage, clients)


def destroy(stage: Stage, clients: Clients, say: Say) -> None:
    """Take a stage down, with its data unless it retains that; run again, it does nothing."""
    _check(stage, clients)
    account = _account(clients)
    s3 = clients.client("s3")
    for kind in () if stage.retain else BUCKETS:
        empty(s3, stage.bucket(kind, account))  # AWS refuses to delete a bucket that holds anything
    if not Stack(clients, stage).delete(say):
        say(f"stage {stage.name} is not deployed")
    if stage.local:
        Artifacts(clients, stage, account).delete()


def register(subcommands: "commands.Subcommands") -> None:
    """Add `deploy` and `destroy`."""
    parser = commands.add(subcommands, "deploy", _deploy, "deploy a stage, or bring it up to date")
    add_target(parser)
    parser.add_argument(
        "--rekognition-url", help="the local Rekognition, as the functions reach it"
    )
    commands.add(subcommands, "destroy", _destroy, "take a stage down; prod keeps its data")


def _deploy(arguments: argparse.Namespace) -> None:
    stage, clients = commands.stage_and_clients(arguments)
    target = chosen_target(arguments, stage)
    deploy(stage, clients, target, commands.say, rekognition=arguments.rekognition_url)


def _destroy(arguments: argparse.Namespace) -> None:
    destroy(*commands.stage_and_clients(arguments), commands.say)


def _check(stage: Stage, clients: Clients) -> None:
    if stage.local and clients.endpoint_url is None:
        raise InfraError(f"stage {stage.name} is for emulators and does not go to AWS")


def _account(clients: Clients) -> str:
    account: str = clients.client("sts").get_caller_identity()["Account"]
    return account


def _code(
    services: Iterable[Definition], target: Target, artifacts: Artifacts, say: Say
) -> dict[str, str]:
    """Package every service, upload what is new, and tell the template where it is."""
    return {
        logical(service.name, "Code"): artifacts.keep(
            service.name, package(service, target, say), say
        )
        for service in services
    }
