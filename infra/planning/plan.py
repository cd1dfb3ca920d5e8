"""What to set so that so many images are done in so many hours; or what stands in the way."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from infra.config.definitions import Function
from infra.planning.limits import Limit, limits
from infra.planning.quotas import Quotas
from infra.planning.scaling import ACCOUNT, Flow, Queue, concurrency_of, flow
from infra.planning.work import ANALYZE, DECIDED, NOTIFIED, RESIZED, REUSED, UPLOADED, Work

AFTER = {
    UPLOADED: None,
    RESIZED: UPLOADED,
    ANALYZE: UPLOADED,
    DECIDED: ANALYZE,
    NOTIFIED: DECIDED,
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
    spares: str | None = None  # the limit for whose sake there is no more concurrency


@dataclass(frozen=True)
class Raise:
    """A limit that is too low: what it is, and what it would have to be."""

    name: str
    now: float
    needed: float
    unit: str
    how: str


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
    def bottleneck(self) -> str:
        """What holds it back: where a service is held back for a limit's sake, that limit."""
        for service, setting in self.settings.items():
            if setting.spares and self.flow.bottleneck == concurrency_of(service):
                return setting.spares
        return self.flow.bottleneck

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
    return (
        tried if tried.fits else replace(tried, raises=tuple(too_low(images, work, quotas, hours)))
    )


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
    wanted, spares = math.ceil(round(rate * busy * ROOM, 6)), None
    if service == work.hops[ANALYZE].service:
        # More of them would be throttled: Rekognition's rate is the account's.
        for limit in limits(work, quotas):
            most = int(limit.cap.rate * busy)
            if limit.hops == (ANALYZE,) and most < wanted:
                wanted, spares = most, limit.cap.name
    return Setting(
        memory=function.memory,
        batch=_batch(function, max(map(work.seconds, work.of(service)))),
        concurrency=max(LEAST, min(quotas.event_source.most_concurrency, wanted)),
        seconds=busy,
        spares=spares,
    )


def _batch(function: Function, slowest: float) -> int:
    """Of the service, or fewer: the last record has to begin with its worst case still left."""
    most = int((function.timeout - function.worst_case) / slowest) + 1
    return min(function.batch or 1, most)


def too_low(images: int, work: Work, quotas: Quotas, hours: float) -> list[Raise]:
    """The limits that are below what the hours ask for on average; where none is, those that are
    below it when it begins.
    """
    rate = images / (hours * 3600)
    found = [
        _raise(limit, limit.cap.lasting, rate)
        for limit in limits(work, quotas)
        if limit.cap.lasting < rate
    ]
    if rate > together(work, quotas):
        needed = quotas.account.concurrency * rate / together(work, quotas)
        how = "Service Quotas, Lambda, concurrent executions (--account-concurrency)"
        found += [Raise(ACCOUNT, quotas.account.concurrency, needed, "at a time", how)]
    for service in work.services:
        most, needed = quotas.event_source.most_concurrency, rate * work.busy(service) * ROOM
        if needed > most:
            how = "fixed: more memory makes each faster, a second function and queue take half"
            found += [
                Raise(f"Lambda: MaximumConcurrency of {service}", most, needed, "at a time", how)
            ]
    growing = [one for one in limits(work, quotas) if one.cap.rate < one.cap.lasting]
    begins = [one for one in growing if one.cap.rate < rate * ROOM]
    return found or [_raise(limit, limit.cap.rate, rate * ROOM) for limit in begins]


def _raise(limit: Limit, now: float, rate: float) -> Raise:
    return Raise(limit.cap.name, now * limit.each, rate * limit.each, limit.unit, limit.raise_it)
