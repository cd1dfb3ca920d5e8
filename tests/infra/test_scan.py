"""The audit's own judgement, and its answers against what checkov really finds.

The scanners live in an environment of their own, which `make audit` makes: without it the last
tests are skipped.
"""

import json
import os

import pytest

from infra.deploy import scan
from infra.deploy.scan import Answer, Answers, Finding, open_questions, vulnerabilities
from infra.errors import InfraError
from tests.optional import missing

LOGGING = Answer("CKV_18", ("Uploads*", "PageBucket"), "because")


def test_what_is_answered_is_no_question():
    found = [Finding("CKV_18", "UploadsBucket"), Finding("CKV_18", "PageBucket")]
    assert open_questions(found, [LOGGING]) == []


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (Finding("CKV_18", "OtherBucket"), "not answered: CKV_18 on OtherBucket"),
        (Finding("CKV_19", "PageBucket"), "not answered: CKV_19 on PageBucket"),
        (Finding("CKV_18", "PageBucket", 2), "not answered: CKV_18 on PageBucket, 2 times"),
    ],
)
def test_another_check_place_or_number_is_a_new_finding(finding, told):
    assert told in open_questions([finding], [LOGGING])


def test_an_answer_to_what_is_mended_has_to_go():
    told = "answered, but not found: CKV_18 on Uploads*, PageBucket"
    assert open_questions([], [LOGGING]) == [told]


def test_every_answer_says_why():
    answers = Answers.read()
    assert answers.template
    assert answers.secrets
    for answer in (*answers.template, *answers.secrets):
        assert len(answer.why.split()) > 4


def test_an_answer_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "scan.toml"
    path.write_text('secrets = []\n[[template]]\ncheck = "CKV_1"\non = ["A"]\n')
    with pytest.raises(InfraError, match="why: is missing"):
        Answers.read(path)


def test_a_vulnerability_is_told_with_what_mends_it():
    hurt = {"name": "pillow", "version": "1.0", "vulns": [{"id": "GHSA-1", "fix_versions": ["2"]}]}
    whole = {"name": "boto3", "version": "1.0", "vulns": []}
    told = vulnerabilities(json.dumps({"dependencies": [hurt, whole]}))
    assert told == ["pillow 1.0: GHSA-1, mended in 2"]


def test_what_nobody_could_tell_about_is_no_good_news():
    unknown = {"name": "toy", "skip_reason": "not found on PyPI"}
    assert vulnerabilities(json.dumps({"dependencies": [unknown]})) == ["toy: not found on PyPI"]
    with pytest.raises(InfraError, match="reached no database"):
        vulnerabilities("")


@pytest.fixture(scope="module")
def scanners():
    """What `make audit` installs; CI promises it."""
    if os.environ.get("CI") == "true":
        scan.ENVIRONMENT.ensure(print)
    if not scan.ENVIRONMENT.python.exists():
        missing("scanners", "make audit")


@pytest.mark.slow
@pytest.mark.usefixtures("scanners")
def test_every_finding_of_checkov_is_answered_and_every_answer_is_to_one():
    assert open_questions(scan.of_template(), Answers.read().template) == []


@pytest.mark.slow
@pytest.mark.usefixtures("scanners")
def test_everything_that_looks_like_a_secret_is_answered_and_every_answer_is_to_one():
    assert open_questions(scan.of_sources(), Answers.read().secrets) == []
