"""A user pool's sign-in pages for the page's tests. Every sign-in is the same user's.

It checks what the page relies on: a code works once, with the verifier of its challenge (RFC 7636);
a refresh token works once; an access token works until it is revoked.
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
    """``groups`` are the user's; ``grants`` and ``sign_outs`` record the requests."""

    groups: tuple[str, ...] = ()
    expires_in: int = 3600
    """s until an access token expires."""
    refusal: str = ""
    """Why every sign-in is refused; empty: none is."""
    challenges: dict[str, str] = field(default_factory=dict)
    """By authorization code."""
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: set[str] = field(default_factory=set)
    """Those that the API accepts."""
    grants: list[str] = field(default_factory=list)
    sign_outs: int = 0

    def configuration(self, page: str) -> dict[str, str]:
        return {"address": f"{page}pool", "client": CLIENT, "scope": SCOPE, "redirect": page}

    def redirect(self, address: SplitResult) -> str:
        """The address to which one of the pool's pages redirects."""
        query = dict(parse_qsl(address.query))
        assert query["client_id"] == CLIENT
        if address.path.endswith("/logout"):
            self.sign_outs += 1
            return query["logout_uri"]
        return f"{query['redirect_uri']}?{urlencode(self._result(query))}"

    def _result(self, query: Mapping[str, str]) -> dict[str, str]:
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert query["scope"] == SCOPE
        result = {"state": query["state"]}
        if self.refusal:
            return result | {"error": "access_denied", "error_description": self.refusal}
        code = secrets.token_urlsafe()
        self.challenges[code] = query["code_challenge"]
        return result | {"code": code}

    def grant(self, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Tokens; None if the grant is not valid."""
        self.grants.append(form["grant_type"])
        if form["grant_type"] == "refresh_token":
            valid = form["refresh_token"] in self.refresh_tokens
            self.refresh_tokens.discard(form["refresh_token"])
        else:
            valid = self.challenges.pop(form["code"], None) == _challenge(form["code_verifier"])
        return self._tokens() if valid else None

    def _tokens(self) -> dict[str, Any]:
        access = _token({"sub": SUB, "cognito:groups": list(self.groups), "n": len(self.grants)})
        refresh = secrets.token_urlsafe()
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        return {
            "access_token": access,
            "id_token": _token({"sub": SUB, "email": EMAIL}),
            "refresh_token": refresh,
            "expires_in": self.expires_in,
        }

    def accepts(self, authorization: str) -> bool:
        return authorization.removeprefix("Bearer ") in self.access_tokens


def _challenge(verifier: str) -> str:
    return _text(hashlib.sha256(verifier.encode()).digest())


def _token(claims: Mapping[str, Any]) -> str:
    """A JSON Web Token with an invalid signature, which the page does not check."""
    parts = ({"alg": "RS256"}, claims)
    return ".".join([*(_text(json.dumps(part).encode()) for part in parts), "signature"])


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")
