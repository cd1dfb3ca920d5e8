"""A window explains only repeats of effects that were interrupted before their completion."""

from http import HTTPStatus

import pytest

from tests.lab.chaos.calls import Call
from tests.lab.chaos.recorder import Recorder
from tests.lab.chaos.windows import EffectCount, Window


@pytest.fixture
def window() -> Window:
    """A window with one effect."""
    window = Window()
    window.add_effect("n1")
    return window


def test_a_repeat_after_an_interruption_is_explained(window: Window) -> None:
    window.interrupt("n1", "kill before")
    window.add_effect("n1")
    window.complete("n1")
    assert window.counts() == {"n1": EffectCount(2, 1)}
    assert window.counts()["n1"].unexplained == 0


def test_a_repeat_after_the_completion_is_unexplained(window: Window) -> None:
    window.complete("n1")
    window.interrupt("n1", "kill before")
    window.add_effect("n1")
    assert window.counts()["n1"].unexplained == 1


def test_a_repeat_without_an_interruption_is_unexplained(window: Window) -> None:
    window.add_effect("n1")
    assert window.counts()["n1"].unexplained == 1


def test_a_later_completion_cancels_the_interruption(window: Window) -> None:
    window.interrupt("n1", "error")
    window.complete("n1")
    assert window.interruptions() == []


def test_an_effect_is_interrupted_once_at_most(window: Window) -> None:
    window.interrupt("n1", "error")
    window.interrupt("n1", "its process ended")
    assert window.interruptions() == ["error"]


def test_an_effect_that_never_happened_is_not_interrupted(window: Window) -> None:
    window.interrupt("n2", "error")
    window.complete("n2")
    assert "n2" not in window.counts()


def test_only_stored_answers_are_completed() -> None:
    recorder = Recorder()
    paid = [Call("rekognition", "Detect", paid_call=name) for name in ("labels", "faces")]
    for call in (*paid, Call("s3", "PutObject", stored_answers=("labels",))):
        recorder.record_answer(call, HTTPStatus.OK, None)
    recorder.record_disconnect(paid)
    assert recorder.paid_calls.counts() == {"labels": EffectCount(1, 0), "faces": EffectCount(1, 1)}
