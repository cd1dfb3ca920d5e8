"""Faults are drawn from a seed, at the requested rate, and only where they are possible."""

from collections import Counter

from tests.lab.chaos.calls import Call
from tests.lab.chaos.faults import DEADLY, WEIGHTS, Drawn, Fault, Kind, delayed

PUT, PAID = Call("s3", "PutObject"), Call("rekognition", "DetectLabels", paid_call="image/0")
CALLS = 5000


def kinds(drawn: Drawn, call: Call) -> Counter[Kind]:
    return Counter(fault.kind for _ in range(CALLS) if (fault := drawn(call)))


def test_a_seed_always_draws_the_same_faults() -> None:
    assert kinds(Drawn(0.1, 1), PUT) == kinds(Drawn(0.1, 1), PUT)
    assert kinds(Drawn(0.1, 1), PUT) != kinds(Drawn(0.1, 2), PUT)


def test_calls_of_another_name_do_not_change_the_faults() -> None:
    alone, between = Drawn(0.1, 1), Drawn(0.1, 1)
    for _ in range(100):
        between(PAID)
        assert alone(PUT) == between(PUT)


def test_the_share_of_faults_is_the_requested_rate() -> None:
    assert kinds(Drawn(0, 1), PUT).total() == 0
    assert 0.08 * CALLS < kinds(Drawn(0.1, 1), PUT).total() < 0.12 * CALLS
    assert kinds(Drawn(1, 1), PUT).total() == CALLS


def test_every_possible_kind_of_fault_is_drawn() -> None:
    assert kinds(Drawn(1, 1), PUT).keys() == WEIGHTS.keys()
    assert kinds(Drawn(1, 1), PAID).keys() == set(Kind)


def test_no_process_is_killed_where_killing_is_not_supported() -> None:
    assert not DEADLY & kinds(Drawn(1, 1, deadly=False), PUT).keys()


def test_a_delay_applies_to_calls_of_its_name_only() -> None:
    draw = delayed({"s3 PutObject": 0.5})
    assert (draw(PUT), draw(PAID)) == (Fault(Kind.SLOW, 0.5), None)
