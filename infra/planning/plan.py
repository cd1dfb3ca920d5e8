"""What to set so that so many images are done in so many hours; or what stands in the way."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from infra.planning.limits import Limit, limits
from infra.planning.quotas import Quotas
from infra.planning.scaling import Flow, Queue, flow
from infra.planning.work import ANALYZE, DECIDED, RESIZED, REUSED, TOLD, UPLOADED, Work

AFTER = {
    UPLOADED: None,
    RESIZED: UPLOADED,
    ANALYZE: UPLOADED,
    DECIDED: ANALYZE,
    TOLD: DECIDED,
}
"""Every queue of the flow, in its order, with the one whose messages lead to its own."""
ROOM = 1.1
"""Concurrency beyond what the average needs: batches do not end together."""
TRIES = 12
LEAST = 2
"""Concurrent batches, the least that ``MaximumConcurrency`` takes."""


@dataclass(frozen=True)
class Setting:
    """What service.toml, or the stage for it, would hold; ``seconds`` an image keeps it busy."""

    memory: int
    batch: int
    concurrency: int
    seconds: float


@dataclass(frozen=True)
class Raise:
    """A limit that is too low: what it is in its unit, and what it would have to be."""

    limit: Limit
    now: float
    needed: float


@dataclass(frozen=True)
class Plan:
    """``fits`` says whether it is done in the hours that were asked for."""

    images: int
    hours: float | None
    rate: float  # images a second that the settings are for
    settings: Mapping[str, Setting]
    flow: Flow
    raises: tuple[Raise, ...] = ()

    @property
    def fits(self) -> bool:
        return self.hours is None or self.flow.seconds <= self.hours * 3600


def plan(images: int, work: Work, quotas: Quotas, hours: float | None = None) -> Plan:
    """The smallest settings with which it is done in time; without hours, as fast as quotas allow.

    Where no settings do, the fastest, with the limits that would have to be higher.
    """
    fastest = ceiling(work, quotas)
    if hours is None:
        return _with(images, work, quotas, None, fastest)
    rate = min(fastest, images / (hours * 3600))
    for _ in range(TRIES):
        tried = _with(images, work, quotas, hours, rate)
        if tried.fits or rate >= fastest:
            break
        # What it took beyond the hours is time in which it was still growing.
        rate = min(fastest, rate * 1.001 * max(1.01, tried.flow.seconds / (hours * 3600)))
    return tried if tried.fits else replace(tried, raises=tuple(too_low(images, work, quotas, hours)))


def _with(images: int, work: Work, quotas: Quotas, hours: float | None, rate: float) -> Plan:
    chosen = settings(work, quotas, rate)
    return Plan(images, hours, rate, chosen, run(images, work, quotas, chosen))


def run(images: int, work: Work, quotas: Quotas, chosen: Mapping[str, Setting]) -> Flow:
    """How it goes with these settings."""
    concurrency = {service: setting.concurrency for service, setting in chosen.items()}
    return flow(images, queues(work, limits(work, quotas)), concurrency, quotas)


def queues(work: Work, bounds: Iterable[Limit]) -> tuple[Queue, ...]:
    """The queues of an image's way, with what slows each down."""
    caps = {name: tuple(one.cap for one in bounds if name in one.hops) for name in AFTER}
    return tuple(
        Queue(name, work.hops[name].service, _seconds(name, work), after, caps[name])
        for name, after in AFTER.items()
    )


def _seconds(name: str, work: Work) -> float:
    """Of an average message: some of them are answered with what is known."""
    seconds = work.seconds(work.hops[name])
    if name != ANALYZE:
        return seconds
    return (1 - work.reuse) * seconds + work.reuse * work.seconds(work.hops[REUSED])


def ceiling(work: Work, quotas: Quotas) -> float:
    """Images a second that no settings exceed, for long."""
    lasting = [limit.cap.lasting for limit in limits(work, quotas)]
    most = quotas.event_source.most_concurrency
    alone = [most / (ROOM * work.busy(service)) for service in work.services]
    return min(*lasting, *alone, together(work, quotas))


def together(work: Work, quotas: Quotas) -> float:
    """Images a second for which the account's concurrency is enough, room included."""
    return quotas.account.concurrency / (ROOM * sum(map(work.busy, work.services)))


def settings(work: Work, quotas: Quotas, rate: float) -> dict[str, Setting]:
    """Concurrency for so many images a second, by Little's law: what is at work is what comes in a
    second, times the seconds that it stays.
    """
    return {service: _setting(service, work, quotas, rate) for service in work.services}


def _setting(service: str, work: Work, quotas: Quotas, rate: float) -> Setting:
    function, busy = work.functions[service], work.busy(service)
    wanted = math.ceil(round(rate * busy * ROOM, 6))
    if service == work.hops[ANALYZE].service:
        # More of them would be throttled: Rekognition's rate is the account's.
        bounds = [one.cap.rate for one in limits(work, quotas) if one.hops == (ANALYZE,)]
        wanted = min(wanted, math.ceil(min(bounds) * busy)) if bounds else wanted
    slowest = max(work.seconds(hop) for hop, _ in work.each() if hop.service == service)
    # The last record of a batch has to begin with its worst case still left.
    most = max(1, int((function.timeout - function.worst_case) / slowest) + 1)
    return Setting(
        memory=function.memory,
        batch=min(function.batch or 1, most),
        concurrency=max(LEAST, min(quotas.event_source.most_concurrency, wanted)),
        seconds=busy,
    )


def too_low(images: int, work: Work, quotas: Quotas, hours: float) -> Iterable[Raise]:
    """The limits that are below what the hours ask for, on average."""
    rate = images / (hours * 3600)
    for limit in limits(work, quotas):
        lasting = limit.cap.lasting * limit.each
        if lasting < limit.needed(rate):
            yield Raise(limit, lasting, limit.needed(rate))
