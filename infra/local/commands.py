"""The commands of the local environment."""

from typing import Any


def register(subcommands: Any) -> None:
    """Add nothing yet."""
