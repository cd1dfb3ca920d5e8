"""Hops, derived from the timeline and the claims of an image."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.hops import TimelineHop, hops, since_upload

NOW = 110.0


def timeline_row(event: str, kind: str, source: str, at: float, run: int = 0) -> dict[str, Any]:
    time = datetime.fromtimestamp(at, UTC).isoformat()
    row = {"item": f"event/{event}", "type": kind, "source": f"darkroom/{source}", "time": time}
    return {**row, "run": Decimal(run)}


def claim(name: str, claimed: float, completed: float | None, attempts: int = 1) -> dict[str, Any]:
    row = {"claim": name, "claimed_at": Decimal(str(claimed)), "attempts": Decimal(attempts)}
    row["until"] = Decimal(str(claimed + 5))
    return row | ({} if completed is None else {"completed_at": Decimal(str(completed))})


TIMELINE = (
    timeline_row("e1", "image.resized.v1", "resize", 101.5),
    timeline_row("e2", "image.analyzed.v1", "analyze", 103.0),
    timeline_row("v", "image.completed.v1", "store", 103.25),
)
CLAIMS = (
    claim("notify/image.completed.v1/v", 103.5, 104.0),
    claim("resize/image.uploaded.v1/e0", 100.5, 101.75),
    claim("analyze/image.resized.v1/e1", 102.0, 103.125, attempts=3),
)
RESIZE = TimelineHop("resize", "image.uploaded.v1", "e0", 0, None, 100.5, 101.75, 1, "done")
HOPS = (
    RESIZE,
    TimelineHop("analyze", "image.resized.v1", "e1", 0, 101.5, 102.0, 103.125, 3, "done"),
    TimelineHop("store", "image.analyzed.v1", "e2", 0, None, 103.0, 103.25, 1, "done"),
    TimelineHop("notify", "image.completed.v1", "v", 0, 103.25, 103.5, 104.0, 1, "done"),
)


def test_hops_are_in_the_order_of_their_beginning() -> None:
    assert hops(TIMELINE, CLAIMS, NOW) == HOPS
    assert [hop.worked for hop in HOPS] == [1.25, 1.125, 0.25, 0.5]
    assert [hop.waited for hop in HOPS] == [None, 0.5, None, 0.25]


def test_the_first_hop_waits_since_the_upload() -> None:
    first, *others = since_upload(HOPS, 100.0)
    assert first == replace(RESIZE, published=100.0)
    assert tuple(others) == HOPS[1:]


def test_a_hop_that_began_before_the_upload_time_did_not_wait() -> None:
    assert since_upload([RESIZE], 100.75)[0].waited == 0.0


def test_a_claim_that_is_not_completed_is_in_progress_until_its_lease_ends() -> None:
    claims = [claim("notify/image.completed.v1/v", 103.5, None)]
    before, after = hops(TIMELINE, claims, 104.0)[-1], hops(TIMELINE, claims, NOW)[-1]
    assert (before.state, after.state) == ("in-progress", "waiting")
    assert before.worked is None


def test_a_completed_claim_with_a_report_gave_up() -> None:
    timeline = (TIMELINE[0], timeline_row("f", "step.failed.v1", "analyze", 103.0))
    assert [hop.state for hop in hops(timeline, CLAIMS[1:], NOW)] == ["done", "gave-up"]


def test_a_report_applies_to_its_run_only() -> None:
    timeline = (TIMELINE[0], timeline_row("f", "step.failed.v1", "analyze", 103.0, run=1))
    assert {hop.state for hop in hops(timeline, CLAIMS[1:], NOW)} == {"done"}
