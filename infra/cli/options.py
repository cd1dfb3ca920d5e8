"""Shared by the commands of `python -m infra`: their common options, and clients for a stage."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.clients import Clients
from infra.config.stages import Stage

if TYPE_CHECKING:  # argparse has this type for type checkers only
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  its only name

Run = Callable[[argparse.Namespace], None]

DEPLOYMENT = ("--deployment", "--stage")


def add(
    subcommands: "Subcommands",
    name: str,
    run: Run,
    summary: str,
    deployment: Sequence[str] = DEPLOYMENT,
) -> argparse.ArgumentParser:
    """Add a command for a deployment; `run` gets the parsed arguments and may raise InfraError.

    `deployment` are the options that name the deployment, if `--stage` has another meaning.
    """
    parser = subcommands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        *deployment,
        dest="stage",
        metavar="NAME",
        default="local",
        help="the deployment; default: local",
    )
    parser.add_argument("--endpoint-url", help="the URL of an emulator on this machine")
    parser.add_argument("--region", help="the AWS region; default for the local stage: us-east-1")
    parser.set_defaults(run=run)
    return parser


def add_generator(
    subcommands: "Subcommands",
    name: str,
    summary: str,
    *,
    write: Callable[[Path], None],
    check: Callable[[Path], None],
    folder: Path,
) -> None:
    """Add a command that writes files into a folder, or compares them with `--check`."""
    parser = subcommands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name the files that differ"
    )
    parser.set_defaults(run=lambda arguments: (check if arguments.check else write)(folder))


def stage_and_clients(arguments: argparse.Namespace) -> tuple[Stage, Clients]:
    """The stage that the arguments name, and clients for its endpoint and region."""
    stage = Stage.load(arguments.stage)
    return stage, Clients.of(stage, arguments.endpoint_url, arguments.region)


def say(line: str) -> None:
    """Print a line of progress immediately, also into a pipe."""
    print(line, flush=True)
