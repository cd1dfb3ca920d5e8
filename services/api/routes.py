"""Which request is answered by which step: paths, parameters and answers, as documented."""

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
from services.api.logic import LONGEST_CURSOR, Filters
from services.api.models import (
    Asked,
    Detail,
    Elsewhere,
    Files,
    Health,
    Labels,
    Replay,
    Results,
    SimilarImages,
    Uploads,
    Wanted,
)
from services.api.openapi import document, methods
from services.api.problems import MEDIA_TYPE, Problem, invalid
from services.api.steps import Steps
from shared.contracts.envelope import UUID_TEXT
from shared.contracts.search_index import Shown
from shared.errors import Throttled, TransientError
from shared.telemetry import log

JSON = "application/json"
LONGEST_WORD = 256
MOST_ON_A_PAGE = 100
MOST_LABELS = 1000
MOST_SIMILAR = 50

Event = Mapping[str, Any]
Who = Callable[[], Caller]
ImageId = Annotated[str, Path(pattern=UUID_TEXT, description="the image's id")]
Limit = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)]
LabelLimit = Annotated[int, Query(ge=1, le=MOST_LABELS)]
SimilarLimit = Annotated[int, Query(ge=1, le=MOST_SIMILAR)]
Cursor = Annotated[str | None, Query(min_length=1, max_length=LONGEST_CURSOR)]
Word = Annotated[str | None, Query(min_length=1, max_length=LONGEST_WORD)]
Percent = Annotated[float | None, Query(ge=0, le=100, allow_inf_nan=False, alias="minConfidence")]


class Door:
    """Answers the events of API Gateway's proxy, every one of them."""

    def __init__(
        self, steps: Callable[[], Steps], caller: Callable[[Event], Caller], origin: str | None
    ) -> None:
        self._cors = (
            CORSConfig(origin, expose_headers=["x-request-id"], max_age=3000) if origin else None
        )
        self.app = APIGatewayRestResolver(cors=self._cors, enable_validation=True)

        def who() -> Caller:
            return caller(self.app.current_event.raw_event)

        _explain(self.app)
        _add_uploads(self.app, steps, who)
        _add_results(self.app, steps, who)
        _add_image(self.app, steps, who)
        _add_requests(self.app, steps, who)
        _add_self(self.app)

    def answer(self, event: Event, context: Any) -> dict[str, Any]:
        """What API Gateway sends on; with the request's id, whatever it is."""
        try:
            refuse_bad_body(event)
        except Problem as problem:
            answered = self._refused(problem, event)
        else:
            answered = self.app.resolve(event, context)
        answered["multiValueHeaders"]["x-request-id"] = [_request_id(event)]
        return answered

    def _refused(self, problem: Problem, event: Event) -> dict[str, Any]:
        """Before the router sees it, which would read the body first of all."""
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
        return document(self.app)


def _request_id(event: Event) -> str:
    return str(event.get("requestContext", {}).get("requestId", ""))


def _explain(app: APIGatewayRestResolver) -> None:
    """Let every way to fail end in a problem document."""

    def told(error: Exception) -> Response[str]:
        allowed = _allowed_instead(app) if isinstance(error, NotFoundError) else ()
        problem = _not_that_way(allowed) if allowed else _problem(error)
        said = problem.document(_request_id(app.current_event.raw_event))
        headers = {"Allow": ", ".join(allowed)} if allowed else {}
        return Response(problem.status, MEDIA_TYPE, said.model_dump_json(), headers=headers)

    app.exception_handler(Exception)(told)


def _allowed_instead(app: APIGatewayRestResolver) -> tuple[str, ...]:
    """The methods that this path answers, if this one's is not among them."""
    event = app.current_event
    allowed = methods(app, event.path)
    return () if event.http_method in allowed else allowed


def _not_that_way(allowed: tuple[str, ...]) -> Problem:
    detail = f"This path answers {' and '.join(allowed)} only; see /openapi.json."
    return Problem(405, "no-such-method", detail)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return invalid(error.errors())
        case NotFoundError():
            return Problem(404, "no-such-path", "There is nothing here; see /openapi.json.")
        case TransientError():
            log.warning("could not answer", extra={"reason": error.reason})
            code = "throttled" if isinstance(error, Throttled) else "unavailable"
            return Problem(503, code, "It cannot be answered now: try again in a while.")
    log.error("could not answer", exc_info=error)
    return Problem(500, "our-fault", "This is our fault; the request's id finds it.")


def _add_uploads(app: APIGatewayRestResolver, steps: Callable[[], Steps], who: Who) -> None:
    @app.post("/upload-url", status_code=HTTPStatus.CREATED, summary="Ask where to upload")
    def upload(wanted: Annotated[Wanted, Body()]) -> Uploads:
        return steps().upload(who(), wanted.files if isinstance(wanted, Files) else (wanted,))


def _add_results(app: APIGatewayRestResolver, steps: Callable[[], Steps], who: Who) -> None:
    @app.get("/results", summary="List images, newest first")
    def results(  # noqa: PLR0917 - the router calls it, by name
        limit: Limit = 24,
        cursor: Cursor = None,
        label: Word = None,
        confidence: Percent = None,
        status: Annotated[Shown | None, Query()] = None,
        flagged: Annotated[bool | None, Query()] = None,
        owner: Word = None,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    ) -> Results:
        filters = Filters(label, confidence, status, flagged, owner, since, until)
        return steps().results(who(), filters, limit, cursor)

    @app.get("/labels", summary="List labels, those of most images first")
    def labels(limit: LabelLimit = 100, cursor: Cursor = None) -> Labels:
        return steps().labels(who(), limit, cursor)


def _add_image(app: APIGatewayRestResolver, steps: Callable[[], Steps], who: Who) -> None:
    @app.get("/results/<image>", summary="Show one image")
    def result(image: ImageId) -> Detail:
        return steps().result(who(), image)

    @app.get("/results/<image>/analysis", summary="Show what the analyzer answered")
    def analysis(image: ImageId) -> Response[dict[str, Any]]:
        found = steps().analysis(who(), image)
        body = found.model_dump_json() if isinstance(found, Elsewhere) else found.decode()
        return Response(HTTPStatus.OK, JSON, json.loads(body))

    @app.get("/results/<image>/similar", summary="List similar images, the most alike first")
    def similar(image: ImageId, limit: SimilarLimit = 12) -> SimilarImages:
        return steps().similar(who(), image, limit)


def _add_requests(app: APIGatewayRestResolver, steps: Callable[[], Steps], who: Who) -> None:
    accepted = HTTPStatus.ACCEPTED

    @app.post("/results/<image>/replay", status_code=accepted, summary="Ask for a new run")
    def replay(image: ImageId, how: Annotated[Replay | None, Body()] = None) -> Asked:
        how = how or Replay()
        return steps().replay(who(), image, force=how.force, analyze_only=how.analyzeOnly)

    @app.post("/results/<image>/release", status_code=accepted, summary="End its quarantine")
    def release(image: ImageId) -> Asked:
        return steps().release(who(), image)

    @app.delete("/results/<image>", status_code=accepted, summary="Delete it for good")
    def delete(image: ImageId) -> Asked:
        return steps().delete(who(), image)


def _add_self(app: APIGatewayRestResolver) -> None:
    @app.get("/openapi.json", summary="This document")
    def openapi() -> dict[str, Any]:
        return document(app)

    @app.get("/health", summary="Whether anybody is there")
    def health() -> Health:
        return Health()
