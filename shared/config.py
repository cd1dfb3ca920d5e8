"""Settings, read once from environment variables. The only module that reads them.

The field ``queue_url`` is the variable ``QUEUE_URL``. All missing and invalid variables are
reported together, when the function starts.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Misconfigured(Exception):
    """Environment variables are missing or invalid; the message names each of them."""


class Settings(BaseModel):
    """Base class of a service's settings."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings. Raises Misconfigured, naming each variable and its problem."""
        variables = os.environ if environment is None else environment
        values = {
            name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [
                f"{str(problem['loc'][0]).upper()}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            ]
            raise Misconfigured("; ".join(problems)) from error


class FunctionSettings(Settings):
    """The settings of every function."""

    service: str
    stage: str = "local"
    log_level: str = "INFO"
    tracing: str = "off"
    """``on`` loads the X-Ray SDK, which costs half a second at start."""


class ServiceSettings(FunctionSettings):
    """The settings of every service with a queue."""

    queue_url: str
    dead_letter_queue_url: str
    events_topic_arn: str
    records_table: str
    ledger_table: str
    function_timeout: float
    """Seconds. A lease outlives it: see ``delivery.Limits``."""
    worst_case: float
    """Seconds, for one record. With less time left, the rest of the batch is retried later."""
    max_attempts: int
    """Maximum attempts per event."""
