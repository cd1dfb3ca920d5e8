"""The judge can say no: one thing wrong in the evidence, and the figure about it is missed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.analyze.logic import Detection
from shared.contracts.images import ImageAnalyzed, ImageResized, StepFailed
from shared.contracts.record import Record, Run, RunStatus
from shared.ledger import ClaimKey
from shared.message import message_records, read
from tests.lab.chaos import judge
from tests.lab.chaos.evidence import Claimed, Evidence, Heard, Letter
from tests.lab.chaos.windows import Repeated

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
GOOD, BAD = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11", "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e12"
LABELS = f"{GOOD}/0/labels"
CLAIM = ClaimKey(GOOD, "notify/image.completed.v1/n1")
BUDGET = 5
BOUGHT = {f"{GOOD}/0/{detection}": Repeated(1, 0) for detection in Detection}
UNDER_FAULTS = (*judge.UNDER_FAULTS, judge.dead_letters_are_explained(BUDGET))
TOLD = (Heard("n1", GOOD, "completed"), Heard("n2", BAD, "failed"))
Spoil = Callable[[Evidence], Evidence]


def golden(kind: str) -> dict:
    return json.loads((GOLDEN / f"{kind}.json").read_text())["data"]


def completed() -> Record:
    resized = ImageResized.model_validate(golden("image.resized.v1"))
    analyzed = ImageAnalyzed.model_validate(golden("image.analyzed.v1"))
    began = read(*message_records((GOLDEN / "image.resized.v1.json").read_text())).time
    run = Run(
        status=RunStatus.COMPLETED, started=began, ended=began, resized=resized, analyzed=analyzed
    )
    return Record(image=GOOD, runs={0: run}, published=0, source=resized.source)


def failed() -> Record:
    good = completed()
    report = StepFailed.model_validate(golden("step.failed.v1"))
    run = Run(status=RunStatus.FAILED, started=good.current.started, failure=report)
    return Record(image=BAD, runs={0: run}, source=good.source)


def objects() -> frozenset[str]:
    run = completed().current
    made = [*run.resized.renditions, run.resized.analysis]
    return frozenset({one.key for one in made} | {run.analyzed.document, f"results/{GOOD}.json"})


@pytest.fixture
def evidence() -> Evidence:
    """One image that completed and one that failed, and every promise kept."""
    return Evidence(
        images=frozenset({GOOD, BAD}),
        heard=TOLD,
        records={GOOD: completed(), BAD: failed()},
        ledger={CLAIM: Claimed(1, completed=True)},
        letters=(),
        objects=objects(),
        orphans=(),
        waiting=0,
        told={"n1": Repeated(1, 0), "n2": Repeated(1, 0)},
        paid=BOUGHT,
        puts=dict.fromkeys(objects(), 1),
        returned=9,
        timeouts=0,
    )


@pytest.fixture
def crowd(evidence: Evidence) -> Evidence:
    """The same of a run without faults, in which nothing fails."""
    return replace(evidence, images=frozenset({GOOD}), heard=TOLD[:1], records={GOOD: completed()})


def missed(evidence: Evidence, promises: tuple[judge.Promise, ...]) -> set[str]:
    return {figure.name for figure in judge.judge(evidence, promises) if not figure.met}


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


SPOILED: dict[str, tuple[Spoil, set[str]]] = {
    "a record is missing": (
        lambda e: replace(e, records=without(e.records, BAD)),
        {"outcomes", "told otherwise than recorded"},
    ),
    "a run is open": (
        lambda e: replace(
            e,
            records=e.records
            | {
                BAD: failed().model_copy(
                    update={"runs": {0: Run(started=failed().current.started)}}
                )
            },
        ),
        {"outcomes", "records open", "told otherwise than recorded"},
    ),
    "a notification is missing": (
        lambda e: replace(e, heard=e.heard[:1]),
        {"distinct notification ids"},
    ),
    "an image is told under two ids": (
        lambda e: replace(e, heard=(*e.heard, Heard("n3", GOOD, "completed"))),
        {"distinct notification ids"},
    ),
    "the other outcome is told": (
        lambda e: replace(e, heard=(Heard("n1", GOOD, "failed"), e.heard[1])),
        {"told otherwise than recorded"},
    ),
    "a notification is repeated": (
        lambda e: replace(e, heard=(*e.heard, e.heard[0])),
        {"told again, window (b)"},
    ),
    "a repeat is excused by another image's cut": (
        lambda e: replace(e, heard=(*e.heard, e.heard[0]), told={"n2": Repeated(1, 1)}),
        {"told again, window (b)"},
    ),
    "an analysis is paid twice": (
        lambda e: replace(e, paid=BOUGHT | {LABELS: Repeated(2, 0)}),
        {"paid again, window (a)"},
    ),
    "an object is an orphan": (
        lambda e: replace(e, orphans=(f"renditions/{BAD}/0/web.jpeg",)),
        {"orphaned objects"},
    ),
    "an object is missing": (
        lambda e: replace(e, objects=frozenset()),
        {"recorded objects missing"},
    ),
    "a message waits": (lambda e: replace(e, waiting=1), {"messages left"}),
    "a claim is not settled": (
        lambda e: replace(e, ledger={CLAIM: Claimed(1, completed=False)}),
        {"claims not settled"},
    ),
    "a dead letter came too early": (
        lambda e: replace(e, letters=(Letter("notify", "worker-died", GOOD, BUDGET - 1),)),
        {f"dead letters before {BUDGET} tries"},
    ),
}
OVERFLOWN: dict[str, tuple[Spoil, set[str]]] = {
    "an object is written twice": (
        lambda e: replace(e, puts=e.puts | {f"results/{GOOD}.json": 2}),
        {"objects written, of each one"},
    ),
    "an analysis is bought twice": (
        lambda e: replace(e, paid=BOUGHT | {LABELS: Repeated(2, 1)}),
        {"calls that are paid for, each detection"},
    ),
    "a detection is never bought": (
        lambda e: replace(e, paid=without(BOUGHT, LABELS)),
        {"calls that are paid for, each detection"},
    ),
    "an image is told twice": (
        lambda e: replace(e, heard=e.heard * 2),
        {"notifications, each upload"},
    ),
    "nothing happened at all": (
        lambda e: replace(e, heard=(), records={}, puts={}, paid={}, objects=frozenset()),
        {
            "completed",
            "objects written, of each one",
            "calls that are paid for, each detection",
            "notifications, each upload",
        },
    ),
    "an invocation met its timeout": (lambda e: replace(e, timeouts=1), {"timeouts"}),
    "a hand-back cost a try": (
        lambda e: replace(e, ledger={CLAIM: Claimed(2, completed=True)}),
        {"claims charged more than one try"},
    ),
    "every batch had time enough": (lambda e: replace(e, returned=0), {"hand-backs"}),
    "there is a dead letter": (
        lambda e: replace(e, letters=(Letter("notify", "worker-died", GOOD, BUDGET),)),
        {"dead letters"},
    ),
}


def test_promises_that_were_kept_are_met(evidence: Evidence, crowd: Evidence) -> None:
    assert missed(evidence, UNDER_FAULTS) == set()
    assert missed(crowd, judge.IN_A_CROWD) == set()


@pytest.mark.parametrize(("spoil", "figures"), SPOILED.values(), ids=SPOILED)
def test_what_is_wrong_under_faults_is_missed(evidence: Evidence, spoil, figures) -> None:
    assert missed(spoil(evidence), UNDER_FAULTS) == figures


@pytest.mark.parametrize(("spoil", "figures"), OVERFLOWN.values(), ids=OVERFLOWN)
def test_what_is_wrong_in_a_crowd_is_missed(crowd: Evidence, spoil, figures) -> None:
    assert missed(spoil(crowd), judge.IN_A_CROWD) == figures


def test_what_was_cut_off_may_be_repeated(evidence: Evidence) -> None:
    again = replace(
        evidence,
        heard=(*evidence.heard, evidence.heard[0]),
        told={"n1": Repeated(2, 1)},
        paid=BOUGHT | {LABELS: Repeated(2, 1)},
    )
    assert missed(again, UNDER_FAULTS) == set()
