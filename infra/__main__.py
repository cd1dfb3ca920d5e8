"""Darkroom's command line: `python -m infra <command>`; `--help` tells the rest."""

import argparse
import sys
from collections.abc import Sequence

try:
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

    from infra.cli import local, operations, planning
    from infra.cloudformation import github, template
    from infra.deploy import deploy, outputs
    from infra.errors import InfraError
    from infra.operations import logs, trace
    from infra.packaging import package
    from infra.reference_docs import asyncapi, schemas
except ModuleNotFoundError as missing:  # another interpreter than the one that make sets up
    sys.exit(
        f"error: {missing.name} is not installed in {sys.executable}; "
        "run: .venv/bin/python -m infra (make demo sets it up)"
    )

# Each brings its own commands: register(subcommands).
MODULES = (
    local,
    operations,
    trace,
    logs,
    planning,
    template,
    package,
    deploy,
    github,
    outputs,
    schemas,
    asyncapi,
)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what it says, 1 with one line on stderr when it could not."""
    arguments = _parser().parse_args(words)
    try:
        arguments.run(arguments)
    except InfraError as error:
        return _fail(str(error))
    except EndpointConnectionError as error:
        return _fail(f"nothing answers at {error.kwargs['endpoint_url']}; run: make local-up")
    except (BotoCoreError, ClientError) as error:
        return _fail(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="<command>")
    for module in MODULES:
        module.register(subcommands)
    return parser


def _fail(line: str) -> int:
    print(f"error: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
