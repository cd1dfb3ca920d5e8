"""What goes wrong is drawn from a seed, as often as asked, and never what cannot be."""

from collections import Counter

from tests.lab.chaos.calls import Call
from tests.lab.chaos.faults import DEADLY, WEIGHTS, Drawn, Fault, Kind, delayed

PUT, PAID = Call("s3", "PutObject"), Call("rekognition", "DetectLabels", pays="image/0")
CALLS = 5000


def kinds(drawn: Drawn, call: Call) -> Counter[Kind]:
    return Counter(fault.kind for _ in range(CALLS) if (fault := drawn(call)))


def test_one_seed_always_draws_the_same() -> None:
    assert kinds(Drawn(0.1, 1), PUT) == kinds(Drawn(0.1, 1), PUT)
    assert kinds(Drawn(0.1, 1), PUT) != kinds(Drawn(0.1, 2), PUT)


def test_what_else_is_called_in_between_changes_nothing() -> None:
    alone, between = Drawn(0.1, 1), Drawn(0.1, 1)
    for _ in range(100):
        between(PAID)
        assert alone(PUT) == between(PUT)


def test_as_much_goes_wrong_as_was_asked_for() -> None:
    assert kinds(Drawn(0, 1), PUT).total() == 0
    assert 0.08 * CALLS < kinds(Drawn(0.1, 1), PUT).total() < 0.12 * CALLS
    assert kinds(Drawn(1, 1), PUT).total() == CALLS


def test_everything_that_can_go_wrong_does() -> None:
    assert kinds(Drawn(1, 1), PUT).keys() == WEIGHTS.keys()
    assert kinds(Drawn(1, 1), PAID).keys() == set(Kind)


def test_nobody_is_killed_where_that_is_not_offered() -> None:
    assert not DEADLY & kinds(Drawn(1, 1, deadly=False), PUT).keys()


def test_a_delay_is_for_calls_of_its_name_only() -> None:
    draw = delayed({"s3 PutObject": 0.5})
    assert (draw(PUT), draw(PAID)) == (Fault(Kind.SLOW, 0.5), None)
