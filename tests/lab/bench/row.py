"""One figure of the benchmark: our value, a peer's value, and the goal for their ratio."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``ours`` and ``peer`` are measured in the same run, in ``unit``; ``ratio`` is ours / peer.

    ``goal`` is the goal for the ratio, such as ``≤ 0.40``. It is empty for a figure without a goal,
    which counts as ``met``.
    """

    area: str
    case: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    goal: str
    met: bool
    unit: str


def at_most(
    goal: float, *, area: str, case: str, ours: float, peer: float, peer_name: str, unit: str
) -> Row:
    """A figure that must stay small: at most ``goal`` times the peer's."""
    ratio = ours / peer
    return Row(area, case, ours, peer, peer_name, ratio, f"≤ {goal:.2f}", ratio <= goal, unit)


def at_least(
    goal: float, *, area: str, case: str, ours: float, peer: float, peer_name: str, unit: str
) -> Row:
    """A figure that must be large: at least ``goal`` times the peer's."""
    ratio = ours / peer
    return Row(area, case, ours, peer, peer_name, ratio, f"≥ {goal:.2f}", ratio >= goal, unit)


def without_goal(
    *, area: str, case: str, ours: float, peer: float, peer_name: str, unit: str
) -> Row:
    """A figure without a goal."""
    return Row(area, case, ours, peer, peer_name, ours / peer, "", met=True, unit=unit)
