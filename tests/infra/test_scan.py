"""Suppressions of the audit, compared with the real findings of checkov and detect-secrets.

`make audit` creates the environment of the scanners. Without it the last tests are skipped.
"""

import json
import os

import pytest

from infra.deploy import scan
from infra.deploy.scan import Finding, Suppression, Suppressions, unresolved, vulnerabilities
from infra.errors import InfraError
from tests.optional import missing

LOGGING = Suppression("CKV_18", ("Uploads*", "PageBucket"), "because")


def test_what_is_answered_is_no_question():
    found = [Finding("CKV_18", "UploadsBucket"), Finding("CKV_18", "PageBucket")]
    assert unresolved(found, [LOGGING]) == []


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding("CKV_18", "OtherBucket"), "finding: CKV_18 on OtherBucket"),
        (Finding("CKV_19", "PageBucket"), "finding: CKV_19 on PageBucket"),
        (Finding("CKV_18", "PageBucket", 2), "finding: CKV_18 on PageBucket, 2 times"),
    ],
)
def test_another_check_place_or_number_is_a_new_finding(finding, line):
    assert line in unresolved([finding], [LOGGING])


def test_an_answer_to_what_is_mended_has_to_go():
    line = "unused suppression: CKV_18 on Uploads*, PageBucket"
    assert unresolved([], [LOGGING]) == [line]


def test_every_answer_says_why():
    suppressions = Suppressions.read()
    assert suppressions.template
    assert suppressions.secrets
    for suppression in (*suppressions.template, *suppressions.secrets):
        assert len(suppression.why.split()) > 4


def test_an_answer_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "scan.toml"
    path.write_text('secrets = []\n[[template]]\ncheck = "CKV_1"\non = ["A"]\n')
    with pytest.raises(InfraError, match="why: is missing"):
        Suppressions.read(path)


def test_a_vulnerability_is_told_with_what_mends_it():
    vulnerable = {
        "name": "pillow",
        "version": "1.0",
        "vulns": [{"id": "GHSA-1", "fix_versions": ["2"]}],
    }
    safe = {"name": "boto3", "version": "1.0", "vulns": []}
    lines = vulnerabilities(json.dumps({"dependencies": [vulnerable, safe]}))
    assert lines == ["pillow 1.0: GHSA-1, fixed in 2"]


def test_what_nobody_could_tell_about_is_no_good_news():
    unknown = {"name": "toy", "skip_reason": "not found on PyPI"}
    assert vulnerabilities(json.dumps({"dependencies": [unknown]})) == ["toy: not found on PyPI"]
    with pytest.raises(InfraError, match="reached no database"):
        vulnerabilities("")


@pytest.fixture(scope="module")
def scanners():
    """The environment that `make audit` creates; always present in CI."""
    if os.environ.get("CI") == "true":
        scan.ENVIRONMENT.ensure(print)
    if not scan.ENVIRONMENT.python.exists():
        missing("scanners", "make audit")


@pytest.mark.slow
@pytest.mark.usefixtures("scanners")
def test_every_finding_of_checkov_is_answered_and_every_answer_is_to_one():
    assert unresolved(scan.of_template(), Suppressions.read().template) == []


@pytest.mark.slow
@pytest.mark.usefixtures("scanners")
def test_everything_that_looks_like_a_secret_is_answered_and_every_answer_is_to_one():
    assert unresolved(scan.of_sources(), Suppressions.read().secrets) == []
