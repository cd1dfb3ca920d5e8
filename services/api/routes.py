"""The routes of the HTTP API: paths, parameters and responses, as OpenAPI shows them."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import (
    APIGatewayRestResolver,
    CORSConfig,
    Response,
)
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import AwareDatetime

from services.api.body import header, refuse_bad_body
from services.api.callers import Caller
from services.api.commands import Commands
from services.api.cursors import MAX_CURSOR
from services.api.filters import Filters
from services.api.models import (
    Accepted,
    DocumentLink,
    Files,
    Health,
    ImageDetail,
    ImagePage,
    LabelPage,
    ReplayOptions,
    SimilarImages,
    UploadRequest,
    Uploads,
)
from services.api.openapi import document, methods
from services.api.problems import MEDIA_TYPE, Problem, from_validation
from services.api.queries import Queries
from shared.contracts.envelope import UUID_TEXT
from shared.contracts.search_index import Shown
from shared.errors import Throttled, TransientError
from shared.telemetry import log

JSON = "application/json"
MAX_TEXT = 256
MAX_PAGE = 100
MAX_LABELS = 1000
MAX_SIMILAR = 50

ANALYSIS = (
    "Returns the analysis document as it is stored, with the field names of "
    "docs/schemas/analysis.v1.json. If it is too large for a response, returns a presigned `url` "
    "of the same document instead."
)

Event = Mapping[str, Any]
ImageId = Annotated[str, Path(pattern=UUID_TEXT, description="the image's id")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
LabelLimit = Annotated[int, Query(ge=1, le=MAX_LABELS)]
SimilarLimit = Annotated[int, Query(ge=1, le=MAX_SIMILAR)]
Cursor = Annotated[str | None, Query(min_length=1, max_length=MAX_CURSOR)]
Text = Annotated[str | None, Query(min_length=1, max_length=MAX_TEXT)]
Percent = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False, alias="minConfidence")]


class HttpApi:
    """Answers every proxy event of API Gateway."""

    def __init__(
        self,
        queries: Callable[[], Queries],
        commands: Callable[[], Commands],
        caller: Callable[[Event], Caller],
        page_origin: str | None,
    ) -> None:
        self._cors = (
            CORSConfig(page_origin, expose_headers=["x-request-id"], max_age=3000)
            if page_origin
            else None
        )
        self.app = APIGatewayRestResolver(cors=self._cors, enable_validation=True)

        def current_caller() -> Caller:
            return caller(self.app.current_event.raw_event)

        _add_problems(self.app)
        _add_queries(self.app, queries, current_caller)
        _add_commands(self.app, commands, current_caller)
        _add_metadata(self.app)

    def answer(self, event: Event, context: Any) -> dict[str, Any]:
        """The response to an event. It has the request's id, whatever its status is."""
        try:
            refuse_bad_body(event)
        except Problem as problem:
            response = self._refusal(problem, event)
        else:
            response = self.app.resolve(event, context)
        response["multiValueHeaders"]["x-request-id"] = [_request_id(event)]
        return response

    def _refusal(self, problem: Problem, event: Event) -> dict[str, Any]:
        """A response without the router, which would parse the body first."""
        headers = {"Content-Type": MEDIA_TYPE}
        if self._cors:
            headers |= self._cors.to_dict(header(event, "origin"))
        return {
            "statusCode": problem.status,
            "body": problem.document(_request_id(event)).model_dump_json(),
            "isBase64Encoded": False,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
        }

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return document(self.app)


def _request_id(event: Event) -> str:
    return str(event.get("requestContext", {}).get("requestId", ""))


def _add_problems(app: APIGatewayRestResolver) -> None:
    """Answer every exception with a problem document."""

    def answer(error: Exception) -> Response[str]:
        allowed = _allowed_methods(app) if isinstance(error, NotFoundError) else ()
        problem = _method_not_allowed(allowed) if allowed else _problem(error)
        body = problem.document(_request_id(app.current_event.raw_event)).model_dump_json()
        headers = {"Allow": ", ".join(allowed)} if allowed else {}
        return Response(problem.status, MEDIA_TYPE, body, headers=headers)

    app.exception_handler(Exception)(answer)


def _allowed_methods(app: APIGatewayRestResolver) -> tuple[str, ...]:
    """The methods of the request's path; empty if the request's own method is one of them."""
    event = app.current_event
    allowed = methods(app, event.path)
    return () if event.http_method in allowed else allowed


def _method_not_allowed(allowed: tuple[str, ...]) -> Problem:
    detail = f"This path allows {' and '.join(allowed)} only; see /openapi.json."
    return Problem(405, "method-not-allowed", detail)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return from_validation(error.errors())
        case NotFoundError():
            return Problem(404, "path-not-found", "There is no such path; see /openapi.json.")
        case TransientError():
            log.warning("request failed", extra={"reason": error.reason})
            code = "throttled" if isinstance(error, Throttled) else "unavailable"
            return Problem(503, code, "The service cannot answer now. Try again later.")
    log.error("request failed", exc_info=error)
    return Problem(500, "internal-error", "The service failed. Report the request's id.")


def _add_queries(
    app: APIGatewayRestResolver, queries: Callable[[], Queries], caller: Callable[[], Caller]
) -> None:
    @app.get("/results", operation_id="listImages", summary="List images, newest first")
    def images(  # noqa: PLR0917 - the router calls it by name
        limit: Limit = 24,
        cursor: Cursor = None,
        label: Text = None,
        confidence: Percent = None,
        status: Annotated[Shown | None, Query()] = None,
        flagged: Annotated[bool | None, Query()] = None,
        owner: Text = None,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    ) -> ImagePage:
        filters = Filters(label, confidence, status, flagged, owner, since, until)
        return queries().images(caller(), filters, limit, cursor)

    @app.get(
        "/labels",
        operation_id="listLabels",
        summary="List labels, those with the most images first",
    )
    def labels(limit: LabelLimit = 100, cursor: Cursor = None) -> LabelPage:
        return queries().labels(caller(), limit, cursor)

    @app.get("/results/<image>", operation_id="getImage", summary="Get one image")
    def image(image: ImageId) -> ImageDetail:
        return queries().image(caller(), image)

    @app.get(
        "/results/<image>/analysis",
        operation_id="getAnalysis",
        summary="Get its analysis",
        description=ANALYSIS,
    )
    def analysis(image: ImageId) -> Response[dict[str, Any]]:
        found = queries().analysis(caller(), image)
        body = found.model_dump_json() if isinstance(found, DocumentLink) else found.decode()
        return Response(HTTPStatus.OK, JSON, json.loads(body))

    @app.get(
        "/results/<image>/similar",
        operation_id="listSimilarImages",
        summary="List similar images, most similar first",
    )
    def similar(image: ImageId, limit: SimilarLimit = 12) -> SimilarImages:
        return queries().similar(caller(), image, limit)


def _add_commands(
    app: APIGatewayRestResolver, commands: Callable[[], Commands], caller: Callable[[], Caller]
) -> None:
    accepted = HTTPStatus.ACCEPTED

    @app.post(
        "/upload-url",
        operation_id="createUploads",
        status_code=HTTPStatus.CREATED,
        summary="Presign uploads",
    )
    def upload(body: Annotated[UploadRequest, Body()]) -> Uploads:
        return commands().upload(caller(), body.files if isinstance(body, Files) else (body,))

    @app.post(
        "/results/<image>/replay",
        operation_id="replayImage",
        status_code=accepted,
        summary="Request a new run",
    )
    def replay(image: ImageId, options: Annotated[ReplayOptions | None, Body()] = None) -> Accepted:
        options = options or ReplayOptions()
        return commands().replay(
            caller(), image, force=options.force, analyze_only=options.analyze_only
        )

    @app.post(
        "/results/<image>/release",
        operation_id="releaseImage",
        status_code=accepted,
        summary="Release from quarantine",
    )
    def release(image: ImageId) -> Accepted:
        return commands().release(caller(), image)

    @app.delete(
        "/results/<image>",
        operation_id="deleteImage",
        status_code=accepted,
        summary="Delete for good",
    )
    def delete(image: ImageId) -> Accepted:
        return commands().delete(caller(), image)


def _add_metadata(app: APIGatewayRestResolver) -> None:
    @app.get("/openapi.json", operation_id="getOpenApi", summary="Get this document")
    def openapi() -> dict[str, Any]:
        return document(app)

    @app.get("/health", operation_id="getHealth", summary="Check that the API answers")
    def health() -> Health:
        return Health()
