"""Which repeats a window excuses: only those of effects that never got their note."""

from http import HTTPStatus

import pytest

from tests.lab.chaos.calls import Call
from tests.lab.chaos.windows import Repeated, Window
from tests.lab.chaos.witness import Witness


@pytest.fixture
def window() -> Window:
    """One effect that took place."""
    window = Window()
    window.effect("n1")
    return window


def test_a_repeat_after_a_cut_is_excused(window: Window) -> None:
    window.cut("n1", "kill before")
    window.effect("n1")
    window.noted("n1")
    assert window.seen() == {"n1": Repeated(2, 1)}
    assert window.seen()["n1"].unexcused == 0


def test_a_repeat_after_the_note_is_not(window: Window) -> None:
    window.noted("n1")
    window.cut("n1", "kill before")
    window.effect("n1")
    assert window.seen()["n1"].unexcused == 1


def test_a_repeat_for_no_reason_is_not(window: Window) -> None:
    window.effect("n1")
    assert window.seen()["n1"].unexcused == 1


def test_a_note_that_comes_after_all_takes_the_excuse_away(window: Window) -> None:
    window.cut("n1", "error")
    window.noted("n1")
    assert window.cuts() == []


def test_one_effect_is_cut_off_once_however_much_goes_wrong(window: Window) -> None:
    window.cut("n1", "error")
    window.cut("n1", "its process ended")
    assert window.cuts() == ["error"]


def test_what_nobody_did_cannot_be_cut_off(window: Window) -> None:
    window.cut("n2", "error")
    window.noted("n2")
    assert "n2" not in window.seen()


def test_only_the_answers_that_were_written_are_noted() -> None:
    witness = Witness()
    asked = [Call("rekognition", "Detect", pays=name) for name in ("labels", "faces")]
    for call in (*asked, Call("s3", "PutObject", keeps=("labels",))):
        witness.answered(call, HTTPStatus.OK, None)
    witness.hung_up(asked)
    assert witness.paid.seen() == {"labels": Repeated(1, 0), "faces": Repeated(1, 1)}
