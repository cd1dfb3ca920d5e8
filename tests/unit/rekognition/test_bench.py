"""The benchmark: every call is measured, and told as a table or as JSON."""

import json

import pytest

from infra.rekognition.__main__ import main
from infra.rekognition.operations import OPERATIONS

pytestmark = pytest.mark.slow


def test_every_operation_is_measured(weights, capsys):
    status = main(["bench", "--rounds", "1", "--json", "--models", str(weights)])

    report = json.loads(capsys.readouterr().out)
    assert status == 0
    assert {case["name"].split(",")[0] for case in report["cases"]} == {*OPERATIONS, "InvokeModel"}
    assert all(case["median_ms"] > 0 and case["peak_mb"] > 50 for case in report["cases"])
    assert report["ready_s"] > 0
