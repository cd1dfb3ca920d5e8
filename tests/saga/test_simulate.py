"""The promises hold in every schedule of a small budget, and a schedule can be replayed and shrunk.

``make simulate`` runs the large one.
"""

import re
from datetime import timedelta

import pytest

from infra.operations.audit import Audit
from shared.contracts.images import ImageAnalyzed
from shared.contracts.record import RunStatus
from tests.lab.simulator import promises
from tests.lab.simulator.__main__ import main
from tests.lab.simulator.explore import MOST, explore, quiet, replay, shrink
from tests.lab.simulator.parts import DETECTIONS
from tests.lab.simulator.profiles import DEATHS, PROFILES
from tests.lab.simulator.simulation import Action, Simulation

FEW, MANY = range(1, 51), range(51, 1001)
"""Seeds of each profile: 700 schedules in all, under 6 s; and 13,300, under 2 minutes."""

COMMAND = r"again: make simulate PROFILE=(\S+) SEED=(\d+) RUNS=1"
RESIZED = (
    Action("upload", ("0.jpg",)),
    Action("deliver", ("resize:0.jpg#0",)),
    Action("finish", ("resize:0.jpg#0@1",)),
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=str)
def test_every_promise_holds_in_every_schedule(profile: str, seeds: range) -> None:
    with quiet():
        broken = {seed: explore(profile, seed).violations for seed in seeds}
    assert {seed: found for seed, found in broken.items() if found} == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_actions_end_the_same(profile: str) -> None:
    with quiet():
        first = explore(profile, 7)
        again = replay(first.actions)
    assert again == first


def test_an_undisturbed_upload_completes() -> None:
    simulation = Simulation()
    with quiet():
        simulation.do(Action("upload", ("0.jpg",)))
        simulation.do(Action("drain"))
    assert list(simulation.seen.statuses.values()) == [{"completed"}]
    assert set(simulation.seen.paid.values()) == {1}


def test_a_window_excuses_one_repeat_for_each_death_in_it() -> None:
    with quiet():
        outcome = replay(
            [
                *RESIZED,
                Action("deliver", (analysis := _waiting("analyze"),)),
                Action("until", (f"{analysis}@1",), "after recognizer.ask"),
                Action("kill", (f"{analysis}@1",)),
            ]
        )
    assert outcome.violations == ()
    assert outcome.windows == {"(a)": 1}


def test_a_write_that_lands_after_all_is_over_is_an_orphan_that_the_audit_finds() -> None:
    simulation = Simulation()
    analysis = _waiting("analyze")
    with quiet():
        for action in (
            *RESIZED,
            Action("deliver", (_waiting("store"),)),
            Action("finish", (f"{_waiting('store')}@1",)),
            Action("deliver", (analysis,)),
            Action("until", (f"{analysis}@1",), "before processed.replace"),
            Action("strand", (f"{analysis}@1",)),
            Action("stuck", ("0.jpg",)),
            Action("drain"),
            Action("land"),
        ):
            simulation.do(action)
    (orphan,) = Audit(promises.Stage(simulation)).orphans()
    assert orphan.startswith("analyses/")
    assert simulation.seen.windows == {"(a)": len(DETECTIONS), "(d)": 1}
    assert promises.broken(simulation) == []


def test_a_worker_that_outlives_its_run_may_reuse_the_next_runs_answers() -> None:
    """And nothing comes of it: run 0 has failed, and everything that is promised holds."""
    simulation = Simulation()
    analysis = _waiting("analyze")
    with quiet():
        for action in (
            *RESIZED,
            Action("deliver", (analysis,)),
            Action("until", (f"{analysis}@1",), "after bus.publish"),
            Action("linger", value=200),
            Action("deliver", (analysis,)),
            Action("until", (f"{analysis}@2",), "before processed.find"),
            Action("replay", ("0.jpg",), "force"),
        ):
            simulation.do(action)
        for kind in (
            "store:image.analyzed/",
            "store:replay/",
            "analyze:image.failed/",  # what was answered for run 0 is gone now
            "resize:image.replayed/",
            "store:image.resized/",
            "analyze:image.resized/",  # run 1's; the other is at work
        ):
            for name in [one for one in simulation.messages if one.startswith(kind)]:
                simulation.do(Action("deliver", (name,)))
                simulation.do(Action("finish", (f"{name}@1",)))
        simulation.do(Action("drain"))
    (image,) = simulation.images.values()
    origins = {
        said.reused_from and said.reused_from.run
        for words in simulation.seen.contents.values()
        for said in words
        if isinstance(said, ImageAnalyzed) and said.run == 0
    }
    assert origins == {None, 1}
    assert simulation.records.records[image].status(0) is RunStatus.FAILED
    assert promises.broken(simulation) == []


def _waiting(service: str) -> str:
    """The name of the message that waits for this service once the renditions are made."""
    simulation = Simulation()
    for action in RESIZED:
        simulation.do(action)
    return next(name for name, sent in simulation.messages.items() if sent.service == service)


@pytest.mark.slow
def test_workers_die_right_before_and_right_after_every_side_effect() -> None:
    missing = set(DEATHS)
    for seed in range(1, MOST + 1):
        with quiet():
            outcome = explore("killed", seed)
        assert outcome.moments <= set(DEATHS), "a side effect that EFFECTS does not name"
        missing -= outcome.deaths
        if not missing:
            return
    raise AssertionError(f"nobody died at {sorted(missing)}")


def test_the_command_explains_a_broken_promise_and_the_line_it_prints_shows_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.store.logic.REPEAT_WINDOW", timedelta(days=9999))
    assert main(["--profile", "late", "--runs", "40", "--show", "1"]) == 1
    explained, last = _explanation(capsys)
    profile, seed = re.search(COMMAND, explained).groups()
    assert re.fullmatch(r"40 schedules, [1-9]\d* violations, \d+ schedules/s", last)
    assert main(["--profile", profile, "--seed", seed, "--runs", "1"]) == 1
    assert _explanation(capsys)[0] == explained


def _explanation(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What is said of the first seed that fails, its schedule among it, and the last line."""
    said = capsys.readouterr().out
    explained, _, summary = said.partition("excused by")
    assert "\n  upload 0.jpg\n" in explained
    assert "\n  => notified again outside the windows: " in explained
    return explained, summary.splitlines()[-1]


def test_the_command_says_how_many_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "9"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("9 schedules, 0 violations, ")
    assert last.endswith(" schedules/s")


def test_shrinking_keeps_what_breaks_it_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.store.logic.REPEAT_WINDOW", timedelta(days=9999))
    with quiet():
        outcome = next(o for seed in range(1, 99) if (o := explore("late", seed)).violations)
        kind = outcome.violations[0].kind
        fewest = shrink(outcome.actions, kind)
        without = [fewest[:n] + fewest[n + 1 :] for n in range(len(fewest))]
        assert all(kind != v.kind for one in without for v in replay(one).violations)
    assert len(fewest) < len(outcome.actions)
