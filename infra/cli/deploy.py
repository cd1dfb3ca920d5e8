"""The commands that build and deploy: synth, package, deploy, destroy, github, outputs."""

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli import options
from infra.cli.options import say
from infra.cloudformation import cfn, github
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.consent import AccountRegion, Consent
from infra.deploy.deploy import deploy, destroy, plan
from infra.deploy.outputs import Outputs
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from infra.packaging.package import MACHINES, Target, package

if TYPE_CHECKING:
    from infra.cli.options import Subcommands

REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


def register(subcommands: "Subcommands") -> None:
    """Add the commands."""
    options.add(subcommands, "synth", _synth, "print a stage's CloudFormation template")
    parser = options.add(subcommands, "package", _package, "build the functions' zips")
    add_target(parser)
    _add_deploy(subcommands)
    parser = options.add(subcommands, "destroy", _destroy, "delete a stage; prod retains its data")
    parser.add_argument("--confirm", metavar="NAME", help="the stage's name, to skip the question")
    _add_github(subcommands)
    parser = options.add(
        subcommands, "outputs", _outputs, "print the names and addresses of a stage"
    )
    parser.add_argument("name", nargs="?", help="print one value only, such as addresses.api")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_deploy(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "deploy", _deploy, "deploy a stage, or update it")
    add_target(parser)
    parser.add_argument(
        "--rekognition-url", help="the URL at which the functions reach the local Rekognition"
    )
    parser.add_argument("--plan", action="store_true", help="only show what would change")
    parser.add_argument("--role", help="the ARN of the role that CloudFormation assumes")
    parser.add_argument("--yes", action="store_true", help="apply the changes without asking")


def _add_github(subcommands: "Subcommands") -> None:
    summary = "print the template of the roles with which GitHub deploys a stage"
    parser = options.add(subcommands, "github", _github, summary)
    parser.add_argument("--repository", required=True, metavar="OWNER/NAME")
    parser.add_argument("--provider", help="the ARN of an existing OIDC provider of GitHub")


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `chosen_target` reads."""
    parser.add_argument(
        "--for",
        dest="target",
        choices=["here", "linux"],
        help="build for this machine or for Lambda's Linux; default: here for the local stage, "
        "else linux",
    )
    parser.add_argument(
        "--architecture", choices=list(MACHINES), help="the architecture of every Linux function"
    )
    parser.add_argument("--interpreter", type=Path, help="with --for here: the Python to build for")


def chosen_target(arguments: argparse.Namespace, stage: Stage) -> Target:
    """The build target that the arguments and the stage select."""
    if (arguments.target or ("here" if stage.local else "linux")) == "here":
        return Target.here(arguments.interpreter)
    return Target.linux(arguments.architecture) if arguments.architecture else Target.aws(stage)


def _synth(arguments: argparse.Namespace) -> None:
    template = stage_template(definitions(), Stage.load(arguments.stage))
    print(cfn.as_text(template), end="")


def _package(arguments: argparse.Namespace) -> None:
    stage = Stage.load(arguments.stage)
    target = chosen_target(arguments, stage)
    for definition in definitions():
        built = package(definition, target, say)
        print(f"{built.path}  {built.size}  {built.sha256}")


def _deploy(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    target = chosen_target(arguments, stage)
    if arguments.plan:
        print("\n".join(plan(stage, clients, target, say) or ["nothing would change"]))
        return
    consent = Consent.of(confirmed=arguments.yes)
    consent.require_answerable(stage)
    agree = partial(consent.to_apply, stage, AccountRegion.of(stage, clients), say=say)
    url, role = arguments.rekognition_url, arguments.role
    outputs = deploy(stage, clients, target, say, url, agree=agree, role=role)
    print(outputs.as_text())


def _destroy(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    consent = Consent.of(confirmed=arguments.confirm == stage.name)
    consent.to_destroy(stage, AccountRegion.of(stage, clients), say)
    retained = destroy(stage, clients, say)
    if not stage.local:
        account = AccountRegion.of(stage, clients).account
        print(f"retained for later deployments: s3://{stage.bucket('artifacts', account)}")
    if retained:
        print("retained, and imported by the next deployment:")
        for resource in retained:
            print(f"  {resource.kind.removeprefix('AWS::')}  {resource.physical}")


def _github(arguments: argparse.Namespace) -> None:
    stage = Stage.load(arguments.stage)
    if stage.local:
        raise InfraError(f"stage {stage.name} is for emulators: GitHub deploys to AWS only")
    if not REPOSITORY.fullmatch(arguments.repository):
        raise InfraError(f"{arguments.repository!r} is not a repository such as owner/name")
    template = github.template(stage, arguments.repository, arguments.provider)
    print(cfn.as_text(template), end="")


def _outputs(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    if arguments.name:
        print(outputs.value(arguments.name))
    else:
        print(outputs.as_json() if arguments.json else outputs.as_text())
