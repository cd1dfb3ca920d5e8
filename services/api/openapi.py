"""The OpenAPI 3.1 document: what the router knows of its routes, and the problems of each."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from services.api.problems import MEDIA_TYPE, ProblemDocument

VERSION = "1"
_NAME = re.compile(r"\{[^}]+\}")
REF = "#/components/schemas/ProblemDocument"
OPEN = frozenset({"/openapi.json", "/health"})
"""What is said to anyone whom the gateway lets in."""
WHY = {
    400: "The request does not say what it has to: `invalid`, `broken-cursor`, `not-json` …",
    401: "Nobody has signed in: `not-signed-in`",
    403: "It is not the caller's to ask: `not-yours`, `operators-only`",
    404: "Nothing is known of it: `unknown-image`, `not-analysed`",
    409: "It cannot be done now: `still-working`, `not-quarantined` …",
    410: "It was deleted: `image-deleted`",
    413: "The request is too large: `too-large`",
    415: "The body is of a type that is not read: `unsupported-type`",
    500: "Our fault: `our-fault`",
    503: "Not now: `throttled`, `unavailable`",
}


def document(app: APIGatewayRestResolver) -> dict[str, Any]:
    """Of these routes, the same every time."""
    schema = app.get_openapi_schema(title="Darkroom", version=VERSION, openapi_version="3.1.0")
    found: dict[str, Any] = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    found["info"]["description"] = "Uploads, results and search. Errors are RFC 9457 documents."
    found.pop("servers", None)
    schemas = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_problem_schemas())
    for path, method, operation in _operations(found):
        operation["responses"].pop("422", None)
        for status in _statuses(path, method):
            operation["responses"][str(status)] = _problem(status)
    return found


def methods(app: APIGatewayRestResolver, path: str) -> tuple[str, ...]:
    """What this very path answers to, by the document: none if there is no such path."""
    return tuple(sorted(method for pattern, method in _routes(app) if pattern.fullmatch(path)))


@cache
def _routes(app: APIGatewayRestResolver) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Read off the document once: strangers who try paths are not to have it made for each."""
    found = _operations(document(app))
    return tuple((_pattern(template), method.upper()) for template, method, _ in found)


def _pattern(template: str) -> re.Pattern[str]:
    """``/results/{image}`` as a pattern in which each name stands for one step of a path."""
    return re.compile("[^/]+".join(map(re.escape, _NAME.split(template))))


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "ProblemDocument": schema}


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _statuses(path: str, method: str) -> Iterator[int]:
    """What may go wrong there. Any request may bring a body, and be refused for it."""
    yield from (400, 413, 415, 500, 503)
    if path not in OPEN:
        yield from (401, 403)
    if "{image}" in path:
        yield from (404, 410)
    if method == "post" and "{image}" in path:
        yield 409


def _problem(status: int) -> dict[str, Any]:
    return {"description": WHY[status], "content": {MEDIA_TYPE: {"schema": {"$ref": REF}}}}
