"""Every case of the corpus becomes what it has to; the costly ones in time, and within memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.resize.logic import develop
from shared.errors import PermanentError
from tests.corpus import DOCUMENT, LIMITS, SPECS, Made, cases, document

ROOT = Path(__file__).parents[3]
CASES = {case.name: case for case in cases()}
CHEAP = [name for name, case in CASES.items() if not case.costly]
COSTLY = [name for name, case in CASES.items() if case.costly]

SECONDS = 60
"""For a whole process, its start and the making of its file among it, on a busy machine."""

MEASURE = """
import json, resource, sys
from tests.unit.resize.test_hostile import CASES, ended
what = ended(CASES[sys.argv[1]].make())
kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
print(json.dumps([what, max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024]))
"""
"""The peak counts what making the file takes, and the libraries, too."""


def ended(original):
    """What became of it, as the corpus says it: format and size, or a reason's code."""
    try:
        developed = develop(original, SPECS, LIMITS)
    except PermanentError as error:
        return error.reason
    (made,) = developed.renditions
    return [developed.format, made.width, made.height]


def wanted(name):
    becomes = CASES[name].becomes
    if isinstance(becomes, Made):
        return [becomes.format, becomes.width, becomes.height]
    return becomes.code


@pytest.mark.parametrize("name", CHEAP)
def test_it_becomes_what_the_table_says(name):
    assert ended(CASES[name].make()) == wanted(name)


@pytest.mark.parametrize("name", COSTLY)
def test_it_becomes_what_the_table_says_in_time_and_within_memory(name):
    command = [sys.executable, "-c", MEASURE, name]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    what, peak = json.loads(done.stdout)
    assert what == wanted(name)
    assert peak < LIMITS.memory


def test_no_two_cases_share_a_name():
    assert len(CASES) == len(cases())


def test_the_document_is_the_corpus():
    assert DOCUMENT.read_text() == document()
