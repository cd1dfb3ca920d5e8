"""Each defect in the evidence fails exactly the checks that concern it."""

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
from tests.lab.chaos import checks
from tests.lab.chaos.evidence import DeadLetter, Evidence, LedgerEntry, Received
from tests.lab.chaos.windows import EffectCount

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
GOOD, BAD = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11", "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e12"
LABELS = f"{GOOD}/0/labels"
CLAIM = ClaimKey(GOOD, "notify/image.completed.v1/n1")
MAX_ATTEMPTS = 5
PAID = {f"{GOOD}/0/{detection}": EffectCount(1, 0) for detection in Detection}
UNDER_FAULTS = (*checks.UNDER_FAULTS, checks.dead_letters_used_all_attempts(MAX_ATTEMPTS))
NOTIFICATIONS = (Received("n1", GOOD, "completed"), Received("n2", BAD, "failed"))
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
    renditions = [*run.resized.renditions, run.resized.analysis]
    return frozenset({r.key for r in renditions} | {run.analyzed.document, f"results/{GOOD}.json"})


@pytest.fixture
def evidence() -> Evidence:
    """One completed and one failed image, with every guarantee met."""
    return Evidence(
        images=frozenset({GOOD, BAD}),
        notifications=NOTIFICATIONS,
        records={GOOD: completed(), BAD: failed()},
        ledger={CLAIM: LedgerEntry(1, completed=True)},
        dead_letters=(),
        objects=objects(),
        orphans=(),
        waiting=0,
        sent={"n1": EffectCount(1, 0), "n2": EffectCount(1, 0)},
        paid_calls=PAID,
        writes=dict.fromkeys(objects(), 1),
        returned_messages=9,
        timeouts=0,
    )


@pytest.fixture
def overloaded(evidence: Evidence) -> Evidence:
    """The same without faults: one completed image."""
    return replace(
        evidence,
        images=frozenset({GOOD}),
        notifications=NOTIFICATIONS[:1],
        records={GOOD: completed()},
    )


def failed_checks(evidence: Evidence, selected: tuple[checks.Check, ...]) -> set[str]:
    return {figure.name for figure in checks.run_checks(evidence, selected) if not figure.met}


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


SPOILED: dict[str, tuple[Spoil, set[str]]] = {
    "a record is missing": (
        lambda e: replace(e, records=without(e.records, BAD)),
        {"outcomes", "notifications unlike the record"},
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
        {"outcomes", "open runs", "notifications unlike the record"},
    ),
    "a notification is missing": (
        lambda e: replace(e, notifications=e.notifications[:1]),
        {"distinct notification ids"},
    ),
    "an image has notifications under two ids": (
        lambda e: replace(e, notifications=(*e.notifications, Received("n3", GOOD, "completed"))),
        {"distinct notification ids"},
    ),
    "a notification has the other outcome": (
        lambda e: replace(e, notifications=(Received("n1", GOOD, "failed"), e.notifications[1])),
        {"notifications unlike the record"},
    ),
    "a notification is repeated": (
        lambda e: replace(e, notifications=(*e.notifications, e.notifications[0])),
        {"repeated notifications, window (b)"},
    ),
    "only another image's notification was interrupted": (
        lambda e: replace(
            e, notifications=(*e.notifications, e.notifications[0]), sent={"n2": EffectCount(1, 1)}
        ),
        {"repeated notifications, window (b)"},
    ),
    "a detection is paid twice": (
        lambda e: replace(e, paid_calls=PAID | {LABELS: EffectCount(2, 0)}),
        {"repeated paid calls, window (a)"},
    ),
    "an object is orphaned": (
        lambda e: replace(e, orphans=(f"renditions/{BAD}/0/web.jpeg",)),
        {"orphaned objects"},
    ),
    "an object is missing": (
        lambda e: replace(e, objects=frozenset()),
        {"recorded objects missing"},
    ),
    "a message is left": (lambda e: replace(e, waiting=1), {"messages left"}),
    "a claim is not completed": (
        lambda e: replace(e, ledger={CLAIM: LedgerEntry(1, completed=False)}),
        {"claims not completed"},
    ),
    "an event is dead-lettered too early": (
        lambda e: replace(
            e, dead_letters=(DeadLetter("notify", "worker-died", GOOD, MAX_ATTEMPTS - 1),)
        ),
        {f"dead letters before {MAX_ATTEMPTS} attempts"},
    ),
}
OVERLOADED: dict[str, tuple[Spoil, set[str]]] = {
    "an object is written twice": (
        lambda e: replace(e, writes=e.writes | {f"results/{GOOD}.json": 2}),
        {"writes per object"},
    ),
    "a detection is paid twice": (
        lambda e: replace(e, paid_calls=PAID | {LABELS: EffectCount(2, 1)}),
        {"paid calls per detection"},
    ),
    "a detection is never paid": (
        lambda e: replace(e, paid_calls=without(PAID, LABELS)),
        {"paid calls per detection"},
    ),
    "an image has two notifications": (
        lambda e: replace(e, notifications=e.notifications * 2),
        {"notifications per upload"},
    ),
    "nothing happened": (
        lambda e: replace(
            e, notifications=(), records={}, writes={}, paid_calls={}, objects=frozenset()
        ),
        {
            "completed",
            "writes per object",
            "paid calls per detection",
            "notifications per upload",
        },
    ),
    "an invocation met its timeout": (lambda e: replace(e, timeouts=1), {"timeouts"}),
    "a returned message counted as an attempt": (
        lambda e: replace(e, ledger={CLAIM: LedgerEntry(2, completed=True)}),
        {"claims with more than one attempt"},
    ),
    "every batch had enough time": (
        lambda e: replace(e, returned_messages=0),
        {"returned messages"},
    ),
    "there is a dead letter": (
        lambda e: replace(
            e, dead_letters=(DeadLetter("notify", "worker-died", GOOD, MAX_ATTEMPTS),)
        ),
        {"dead letters"},
    ),
}


def test_correct_evidence_passes_every_check(evidence: Evidence, overloaded: Evidence) -> None:
    assert failed_checks(evidence, UNDER_FAULTS) == set()
    assert failed_checks(overloaded, checks.OVERLOADED) == set()


@pytest.mark.parametrize(("spoil", "figures"), SPOILED.values(), ids=SPOILED)
def test_a_defect_under_faults_fails_its_checks(evidence: Evidence, spoil, figures) -> None:
    assert failed_checks(spoil(evidence), UNDER_FAULTS) == figures


@pytest.mark.parametrize(("spoil", "figures"), OVERLOADED.values(), ids=OVERLOADED)
def test_a_defect_under_overload_fails_its_checks(overloaded: Evidence, spoil, figures) -> None:
    assert failed_checks(spoil(overloaded), checks.OVERLOADED) == figures


def test_an_interrupted_effect_may_be_repeated(evidence: Evidence) -> None:
    repeated = replace(
        evidence,
        notifications=(*evidence.notifications, evidence.notifications[0]),
        sent={"n1": EffectCount(2, 1)},
        paid_calls=PAID | {LABELS: EffectCount(2, 1)},
    )
    assert failed_checks(repeated, UNDER_FAULTS) == set()
