"""The OpenAPI 3.1 document: the router's own, completed with the problems of each operation."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from services.api.problems import MEDIA_TYPE, ProblemDocument

VERSION = "1"
PARAMETER = re.compile(r"\{[^}]+\}")
REF = "#/components/schemas/ProblemDocument"
UNAUTHENTICATED = frozenset({"/openapi.json", "/health"})
"""Paths that need no identified caller."""
DESCRIPTIONS = {
    400: "The request is not valid: `invalid-request`, `invalid-cursor`, `invalid-json` …",
    401: "The request does not identify its caller: `unauthenticated`",
    403: "The caller may not do this: `not-owner`, `operators-only`",
    404: "There is no such image or analysis: `image-not-found`, `not-analyzed`",
    409: "It is not possible now: `still-processing`, `not-quarantined` …",
    410: "The image was deleted: `image-deleted`",
    413: "The request is too large: `request-too-large`",
    415: "The body is not JSON: `unsupported-media-type`",
    500: "The service failed: `internal-error`",
    503: "The service cannot answer now: `throttled`, `unavailable`",
}


def document(app: APIGatewayRestResolver) -> dict[str, Any]:
    """The document of these routes. The same routes always give the same document."""
    schema = app.get_openapi_schema(title="Darkroom", version=VERSION, openapi_version="3.1.0")
    openapi: dict[str, Any] = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    openapi["info"]["description"] = "Uploads, results and search. Errors are RFC 9457 documents."
    openapi.pop("servers", None)
    schemas = openapi["components"]["schemas"]
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_problem_schemas())
    for path, method, operation in _operations(openapi):
        operation["responses"].pop("422", None)
        for status in _problem_statuses(path, method):
            operation["responses"][str(status)] = _problem_response(status)
    return openapi


def methods(app: APIGatewayRestResolver, path: str) -> tuple[str, ...]:
    """The methods that this path allows; empty if there is no such path."""
    return tuple(sorted(method for pattern, method in _routes(app) if pattern.fullmatch(path)))


@cache
def _routes(app: APIGatewayRestResolver) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Read from the document, and cached: requests for unknown paths must stay cheap."""
    operations = _operations(document(app))
    return tuple((_pattern(template), method.upper()) for template, method, _ in operations)


def _pattern(template: str) -> re.Pattern[str]:
    """``/results/{image}`` as a pattern in which each parameter matches one path segment."""
    return re.compile("[^/]+".join(map(re.escape, PARAMETER.split(template))))


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "ProblemDocument": schema}


def _operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _problem_statuses(path: str, method: str) -> Iterator[int]:
    """The error statuses of an operation. Every request may have a body that is refused."""
    yield from (400, 413, 415, 500, 503)
    if path not in UNAUTHENTICATED:
        yield from (401, 403)
    if "{image}" in path:
        yield from (404, 410)
    if method == "post" and "{image}" in path:
        yield 409


def _problem_response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": REF}}}
    return {"description": DESCRIPTIONS[status], "content": content}
