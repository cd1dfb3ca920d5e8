"""A user pool's sign-in pages for the page's tests: whoever comes is signed in as the same person.

It keeps to what the page leans on: a code is good once and for the verifier whose challenge came
with it (RFC 7636), a refresh token is good once, and an access token is good until it is ended.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode

CLIENT, SCOPE = "page", "openid email darkroom/images"
SUB, EMAIL = "00000000-0000-4000-8000-00000000a001", "ann@example.org"


@dataclass
class Pool:
    """``groups`` are the person's. What a test may look at is what was asked."""

    groups: tuple[str, ...] = ()
    lasts: int = 3600
    """s, that an access token says it is good for."""
    refusal: str = ""
    """Why nobody is signed in, if nobody is."""
    challenges: dict[str, str] = field(default_factory=dict)
    """By code."""
    refreshing: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Access tokens that the API takes."""
    grants: list[str] = field(default_factory=list)
    left: int = 0

    def configuration(self, page: str) -> dict[str, str]:
        return {"address": f"{page}pool", "client": CLIENT, "scope": SCOPE, "redirect": page}

    def visited(self, address: SplitResult) -> str:
        """Where a browser is sent from one of the pool's own pages."""
        asked = dict(parse_qsl(address.query))
        assert asked["client_id"] == CLIENT
        if address.path.endswith("/logout"):
            self.left += 1
            return asked["logout_uri"]
        return f"{asked['redirect_uri']}?{urlencode(self._answer(asked))}"

    def _answer(self, asked: Mapping[str, str]) -> dict[str, str]:
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["scope"] == SCOPE
        said = {"state": asked["state"]}
        if self.refusal:
            return said | {"error": "access_denied", "error_description": self.refusal}
        code = secrets.token_urlsafe()
        self.challenges[code] = asked["code_challenge"]
        return said | {"code": code}

    def granted(self, asked: Mapping[str, str]) -> dict[str, Any] | None:
        """Tokens; None where the grant is none, or none any more."""
        self.grants.append(asked["grant_type"])
        if asked["grant_type"] == "refresh_token":
            good = asked["refresh_token"] in self.refreshing
            self.refreshing.discard(asked["refresh_token"])
        else:
            good = self.challenges.pop(asked["code"], None) == _challenge(asked["code_verifier"])
        return self._tokens() if good else None

    def _tokens(self) -> dict[str, Any]:
        access = _token({"sub": SUB, "cognito:groups": list(self.groups), "n": len(self.grants)})
        refresh = secrets.token_urlsafe()
        self.taken.add(access)
        self.refreshing.add(refresh)
        return {
            "access_token": access,
            "id_token": _token({"sub": SUB, "email": EMAIL}),
            "refresh_token": refresh,
            "expires_in": self.lasts,
        }

    def knows(self, authorization: str) -> bool:
        return authorization.removeprefix("Bearer ") in self.taken


def _challenge(verifier: str) -> str:
    return _text(hashlib.sha256(verifier.encode()).digest())


def _token(claims: Mapping[str, Any]) -> str:
    """Shaped as a token is; who looks at its signature is not the page."""
    parts = ({"alg": "RS256"}, claims)
    return ".".join([*(_text(json.dumps(part).encode()) for part in parts), "signature"])


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")
