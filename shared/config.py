"""Settings, read once from the environment: the only place that reads it.

A field ``queue_url`` is the variable ``QUEUE_URL``. What is missing or malformed is named, all
of it at once, before the first message is taken.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Misconfigured(Exception):
    """The environment does not hold what the settings need; the message names every variable."""


class Settings(BaseModel):
    """A service's variables, with their defaults and limits."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Raises Misconfigured, naming each variable and what is wrong with it."""
        variables = os.environ if environment is None else environment
        known = {
            name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables
        }
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            problems = [
                f"{str(problem['loc'][0]).upper()}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            ]
            raise Misconfigured("; ".join(problems)) from error


class FunctionSettings(Settings):
    """What every function is told of where it runs."""

    service: str
    stage: str = "local"
    log_level: str = "INFO"
    tracing: str = "off"
    """``on`` loads the X-Ray SDK, which costs half a second at start."""


class ServiceSettings(FunctionSettings):
    """What every service with a queue of its own is told."""

    queue_url: str
    dead_letter_queue_url: str
    events_topic_arn: str
    records_table: str
    ledger_table: str
    function_timeout: float
    """s. The lease of a claim outlasts it, see ``delivery.Limits``."""
    worst_case: float
    """s, for one record. With less time left, what remains of a batch is returned to the queue."""
    max_attempts: int
    """Real tries of one event before it is given up."""
