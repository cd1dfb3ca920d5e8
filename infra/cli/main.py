"""Darkroom's command line: `python -m infra <command>`; `--help` lists the commands."""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from infra.cli import deploy, local, operations, planning, reference_docs
from infra.errors import InfraError

# --help lists their commands in this order.
MODULES = (local, operations, planning, deploy, reference_docs)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 1 after one line on stderr."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except InfraError as error:
        return _fail(str(error))
    except EndpointConnectionError as error:
        return _fail(f"no server answers at {error.kwargs['endpoint_url']}; run: make local-up")
    except (BotoCoreError, ClientError) as error:
        return _fail(str(error))
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each command sets `run` to its function."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="<command>")
    for module in MODULES:
        module.register(subcommands)
    return parser


def _fail(line: str) -> int:
    print(f"error: {line}", file=sys.stderr)
    return 1
