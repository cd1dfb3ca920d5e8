"""Commands that write the reference documents: schemas, asyncapi."""

from typing import TYPE_CHECKING

from infra.cli import options
from infra.reference_docs import asyncapi, schemas

if TYPE_CHECKING:
    from infra.cli.options import Subcommands


def register(subcommands: "Subcommands") -> None:
    """Add the commands."""
    options.add_generator(
        subcommands,
        "schemas",
        "write the events' JSON Schemas to docs/schemas",
        write=schemas.write,
        check=schemas.check,
        folder=schemas.FOLDER,
    )
    options.add_generator(
        subcommands,
        "asyncapi",
        "write docs/asyncapi.json and docs/events.md",
        write=asyncapi.write,
        check=asyncapi.check,
        folder=asyncapi.FOLDER,
    )
