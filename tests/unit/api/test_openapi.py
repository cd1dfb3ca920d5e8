"""The OpenAPI document says what the code does, and the copy in docs is the current one.

After a change that is meant: `.venv/bin/python -m tests.unit.api.test_openapi`.
"""

import json
import re
from pathlib import Path

import pytest

from services.api.callers import ANYONE
from services.api.routes import Door
from tests.unit.api.conftest import Api

KEPT = Path(__file__).parents[3] / "docs" / "openapi.json"


def current() -> str:
    return (
        json.dumps(Door(lambda: None, lambda _: ANYONE, None).openapi(), indent=2, sort_keys=True)
        + "\n"
    )  # type: ignore[arg-type]


def test_the_copy_in_docs_is_the_current_document() -> None:
    assert KEPT.read_text() == current()


def test_the_document_is_served(api: Api) -> None:
    assert api.ask("GET", "/openapi.json") == (200, json.loads(current()))


def test_every_answer_but_success_is_a_problem_document() -> None:
    for path in json.loads(current())["paths"].values():
        for operation in path.values():
            failures = {status for status in operation["responses"] if status >= "4"}
            assert {"400", "500", "503"} <= failures
            for status in failures:
                assert list(operation["responses"][status]["content"]) == [
                    "application/problem+json"
                ]


def test_every_schema_that_is_named_is_there() -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", current()))
    assert named == set(json.loads(current())["components"]["schemas"])


@pytest.mark.parametrize("route", ["/upload-url", "/results", "/results/{image}/similar"])
def test_the_document_knows_the_routes(route: str) -> None:
    assert route in json.loads(current())["paths"]


if __name__ == "__main__":
    KEPT.write_text(current())
