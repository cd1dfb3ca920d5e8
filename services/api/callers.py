"""Who asks, and whose images they may see. Pure.

API Gateway has looked at the token or the key before the function is called. What it found stands
in the request's context, which no caller writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.api.problems import Problem

OPERATORS = "operators"
"""The user pool's group whose people see all images; infra/cloudformation/auth.py makes it."""

Context = Mapping[str, Any]


class Access(StrEnum):
    """How callers show who they are."""

    OPEN = "open"
    """Not at all: on a developer's own machine."""
    COGNITO = "cognito"
    """By the access token of somebody who signed in."""
    KEYS = "keys"
    """By an API key."""


@dataclass(frozen=True)
class Caller:
    """``name`` is what their uploads carry as owner; None where nobody has a name."""

    name: str | None
    sees_all: bool

    def sees(self, owner: str | None) -> bool:
        """Whether an image of this owner is any of their business."""
        return self.sees_all or (owner is not None and owner == self.name)


ANYONE = Caller(name=None, sees_all=True)
"""Whoever asks where nobody is asked who they are."""


def identified(event: Mapping[str, Any], access: Access, operator_key: str | None) -> Caller:
    """Problem ``not-signed-in`` (401) if the gateway found out less than it should have."""
    context = event.get("requestContext") or {}
    match access:
        case Access.OPEN:
            return ANYONE
        case Access.COGNITO:
            return _person(context)
        case Access.KEYS:
            return _program(context, operator_key)


def _person(context: Context) -> Caller:
    """By ``sub``, which stays when somebody's address changes."""
    claims = (context.get("authorizer") or {}).get("claims") or {}
    # A REST API writes every claim as text: a list of groups with commas between them.
    groups = str(claims.get("cognito:groups", "")).split(",")
    return Caller(_known(claims.get("sub")), sees_all=OPERATORS in groups)


def _program(context: Context, operator_key: str | None) -> Caller:
    """By the key's id, which is no secret, as the key is."""
    name = _known((context.get("identity") or {}).get("apiKeyId"))
    return Caller(name, sees_all=name == operator_key)


def _known(name: object) -> str:
    if isinstance(name, str) and name:
        return name
    raise Problem(401, "not-signed-in", "Nobody knows who asks: sign in, and ask again.")
