"""Error responses: RFC 9457 problem documents with a stable ``code``. Pure."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import Field

from services.api.models import ResponseModel

MEDIA_TYPE = "application/problem+json"


class InvalidField(ResponseModel):
    """One invalid part of a request."""

    location: str = Field(description="such as `query.limit` or `body.fileSize`")
    detail: str


class ProblemDocument(ResponseModel):
    """An RFC 9457 problem document. Programs compare ``code``; people read ``detail``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[InvalidField, ...] = ()


class Problem(Exception):
    """A request that cannot be answered as asked; becomes a problem document."""

    def __init__(
        self, status: int, code: str, detail: str, errors: Iterable[InvalidField] = ()
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)

    def document(self, request_id: str) -> ProblemDocument:
        """The response body."""
        return ProblemDocument(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            request_id=request_id,
            errors=self.errors,
        )


def invalid_request(errors: Iterable[InvalidField]) -> Problem:
    """Problem ``invalid-request`` (400) that names each invalid field."""
    return Problem(400, "invalid-request", "The request is not valid; see errors.", errors)


def from_validation(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Pydantic's errors as ``invalid-request``. It never repeats the input itself."""
    return invalid_request(
        InvalidField(location=_dotted(error["loc"]), detail=str(error["msg"])) for error in errors
    )


def _dotted(location: Iterable[object]) -> str:
    return ".".join(str(part) for part in location)
