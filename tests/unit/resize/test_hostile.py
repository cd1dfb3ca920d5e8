"""Every case of the corpus has its expected result, within its limits of time and memory."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from services.resize.logic import develop
from shared.errors import PermanentError
from tests.corpus import DOCUMENT, SIDE, SPECS, Made, cases, document

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MB = 1024**2
CASES = {case.name: case for case in cases()}
PLAIN = [name for name, case in CASES.items() if not case.memory]
WATCHED = [name for name, case in CASES.items() if case.memory]

SECONDS = 60
"""For a whole process with its start, on a busy machine."""

WATCH = """
import json, resource, sys
from pathlib import Path
from services.resize.logic import Limits, Spec, develop
from shared.errors import PermanentError
limits, side = json.loads(sys.argv[1])
original = sys.stdin.buffer.read()
try:
    developed = develop(original, [Spec("web", side)], Limits(**limits))
    (made,) = developed.renditions
    what = [developed.format, made.width, made.height]
except PermanentError as error:
    what = error.reason
status = Path("/proc/self/status").read_text().split()
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
peak = max(int(status[status.index("VmHWM:") + 1]), usage[1].ru_maxrss) * 1024
print(json.dumps([what, peak, sum(one.ru_utime + one.ru_stime for one in usage)]))
"""
"""The peak comes from ``/proc``, because getrusage starts with the peak of the parent process."""


def result(case):
    """The result, in the form of the corpus: format and size, or a reason's code."""
    try:
        developed = develop(case.make(), SPECS, case.limits)
    except PermanentError as error:
        return error.reason
    (made,) = developed.renditions
    return [developed.format, made.width, made.height]


def expected(case):
    if isinstance(case.becomes, Made):
        return [case.becomes.format, case.becomes.width, case.becomes.height]
    return case.becomes.code


@pytest.mark.parametrize("name", PLAIN)
def test_a_case_has_its_expected_result(name):
    assert result(CASES[name]) == expected(CASES[name])


@pytest.mark.parametrize("name", WATCHED)
def test_a_case_has_its_expected_result_within_time_and_memory(name):
    case = CASES[name]
    words = json.dumps([asdict(case.limits), SIDE])
    done = subprocess.run(
        [sys.executable, "-c", WATCH, words],
        input=case.make(),
        cwd=ROOT,
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    what, peak, seconds = json.loads(done.stdout)
    assert what == expected(case)
    assert peak < case.memory * MB
    assert seconds < case.seconds


def test_names_of_cases_are_unique():
    assert len(CASES) == len(cases())


def test_the_document_is_up_to_date():
    assert DOCUMENT.read_text() == document()
