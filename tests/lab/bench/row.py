"""One figure of the benchmark: what is ours beside a peer, and what was promised of the two."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``ours`` and ``peer`` are measured in the same run, in ``unit``; ``ratio`` is ours / peer.

    ``goal`` is what was promised of the ratio, in words such as ``≤ 0.40``; empty where a figure is
    there to be known, and then it is ``met``.
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
    """A figure that is to stay small: ours may be ``goal`` times the peer's."""
    ratio = ours / peer
    return Row(area, case, ours, peer, peer_name, ratio, f"≤ {goal:.2f}", ratio <= goal, unit)


def at_least(
    goal: float, *, area: str, case: str, ours: float, peer: float, peer_name: str, unit: str
) -> Row:
    """A figure that is to be large: ours has to be ``goal`` times the peer's."""
    ratio = ours / peer
    return Row(area, case, ours, peer, peer_name, ratio, f"≥ {goal:.2f}", ratio >= goal, unit)


def known(*, area: str, case: str, ours: float, peer: float, peer_name: str, unit: str) -> Row:
    """A figure that nothing was promised of."""
    return Row(area, case, ours, peer, peer_name, ours / peer, "", met=True, unit=unit)
