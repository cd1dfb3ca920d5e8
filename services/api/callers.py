"""Identify the caller of a request, and decide which images they may see. Pure.

API Gateway checks the token or the API key before it calls the function. It writes the result into
the request's context, which a caller cannot change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.api.problems import Problem

OPERATORS = "operators"
"""The user pool's group whose members see all images; infra/cloudformation/auth.py creates it."""

Context = Mapping[str, Any]


class Access(StrEnum):
    """How callers authenticate."""

    OPEN = "open"
    """Not at all: local stages only."""
    COGNITO = "cognito"
    """With a user's access token."""
    KEYS = "keys"
    """With an API key."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request. ``name`` owns what they upload; None if callers are anonymous."""

    name: str | None
    sees_all: bool

    def sees(self, owner: str | None) -> bool:
        """Whether the caller may see an image of this owner."""
        return self.sees_all or (owner is not None and owner == self.name)


ANYONE = Caller(name=None, sees_all=True)
"""Every caller of a stage without authentication."""


def identify(event: Mapping[str, Any], access: Access, operator_key: str | None) -> Caller:
    """The caller of this request. Problem ``unauthenticated`` (401) if the context names none."""
    context = event.get("requestContext") or {}
    match access:
        case Access.OPEN:
            return ANYONE
        case Access.COGNITO:
            return _user(context)
        case Access.KEYS:
            return _program(context, operator_key)


def _user(context: Context) -> Caller:
    """By ``sub``, which does not change when a user's address does."""
    claims = (context.get("authorizer") or {}).get("claims") or {}
    # A REST API passes every claim as text: a list of groups is separated by commas.
    groups = str(claims.get("cognito:groups", "")).split(",")
    return Caller(_required(claims.get("sub")), sees_all=OPERATORS in groups)


def _program(context: Context, operator_key: str | None) -> Caller:
    """By the key's id, which is not secret, unlike the key."""
    name = _required((context.get("identity") or {}).get("apiKeyId"))
    return Caller(name, sees_all=name == operator_key)


def _required(name: object) -> str:
    if isinstance(name, str) and name:
        return name
    raise Problem(401, "unauthenticated", "The request does not identify its caller. Sign in.")
