"""Hops, read from the rows that services write."""

from datetime import UTC, datetime
from decimal import Decimal

from infra.local.journey import Hop, Journey


def moment(event, kind, source, at):
    time = datetime.fromtimestamp(at, UTC).isoformat()
    return {"item": f"event/{event}", "type": kind, "source": f"darkroom/{source}", "time": time}


def claim(name, claimed, settled):
    row = {"claim": name, "claimed_at": Decimal(str(claimed))}
    return row | ({} if settled is None else {"settled_at": Decimal(str(settled))})


TIMELINE = (
    moment("e1", "image.resized.v1", "resize", 101.5),
    moment("e2", "image.analyzed.v1", "analyze", 103.0),
    moment("v", "image.stored.v1", "store", 103.25),
)
CLAIMS = (
    claim("resize/image.uploaded.v1/e0", 100.5, 101.75),
    claim("analyze/image.resized.v1/e1", 102.0, 103.125),
    claim("notify/image.stored.v1/v", 103.5, 104.0),
)


def test_every_hop_is_measured_from_what_it_answers():
    assert Journey(TIMELINE, CLAIMS).hops(uploaded=100.0) == [
        Hop("resize", "image.uploaded.v1", 100.0, 101.75, 1.25),
        Hop("analyze", "image.resized.v1", 101.5, 103.125, 1.125),
        Hop("store", "image.analyzed.v1", 103.0, 103.25, None),
        Hop("notify", "image.stored.v1", 103.25, 104.0, 0.5),
    ]


def test_work_that_began_before_the_upload_was_answered_took_no_longer_than_itself():
    first = Journey(TIMELINE, CLAIMS).hops(uploaded=100.75)[0]

    assert first.took == first.worked == 1.25


def test_what_is_not_settled_is_no_hop_yet():
    journey = Journey(TIMELINE, (*CLAIMS[:2], claim("notify/image.stored.v1/v", 103.5, None)))

    assert not journey.arrived("v")
    assert [hop.service for hop in journey.hops(100.0)] == ["resize", "analyze", "store"]


def test_it_has_arrived_once_the_verdict_is_settled():
    assert Journey(TIMELINE, CLAIMS).arrived("v")
    assert not Journey(TIMELINE, CLAIMS[:2]).arrived("v")
