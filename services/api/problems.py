"""What can be wrong with a request, as RFC 9457 says it: one document, with a stable code. Pure."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Wrong(BaseModel):
    """One thing that is wrong with the request."""

    at: str = Field(description="where, such as `query.limit` or `body.fileSize`")
    why: str


class ProblemDocument(BaseModel):
    """RFC 9457. Programs compare `code`; people read `detail`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[Wrong, ...] = ()


class Problem(Exception):
    """The request cannot be answered as asked; the answer says why."""

    def __init__(self, status: int, code: str, detail: str, errors: Iterable[Wrong] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)

    def document(self, request_id: str) -> ProblemDocument:
        return ProblemDocument(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            request_id=request_id,
            errors=self.errors,
        )


def invalid(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """What pydantic found wrong, by place; never the input itself, which may be anything."""
    wrong = [Wrong(at=_place(each["loc"]), why=str(each["msg"])) for each in errors]
    return Problem(400, "invalid", "The request does not say what it has to; see errors.", wrong)


def _place(steps: Iterable[object]) -> str:
    return ".".join(str(step) for step in steps)
