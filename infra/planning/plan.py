"""The settings with which a number of images is processed in time, or the limits against it."""

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
"""Every queue of the flow, in order, with the queue whose messages lead to it."""
HEADROOM = 1.1
"""The concurrency of the plan per average concurrency: batches do not end together."""
ITERATIONS = 12
MIN_CONCURRENCY = 2
"""The smallest value that ``MaximumConcurrency`` allows."""


@dataclass(frozen=True)
class Setting:
    """Settings of a service's function; ``seconds`` is its work for one image."""

    memory: int
    batch: int
    concurrency: int
    seconds: float
    capped_by: str | None = None  # the limit that allows no more concurrency


@dataclass(frozen=True)
class Raise:
    """A limit that is too low, and the value that it needs."""

    name: str
    now: float
    needed: float
    unit: str
    how: str


@dataclass(frozen=True)
class Plan:
    """Settings for ``images``; ``fits`` says whether they finish within ``hours``."""

    images: int
    hours: float | None
    rate: float  # images a second for which the settings are
    settings: Mapping[str, Setting]
    flow: Flow
    raises: tuple[Raise, ...] = ()

    @property
    def bottleneck(self) -> str:
        """The bottleneck: the limit itself if it caps the concurrency of the slowest service."""
        for service, setting in self.settings.items():
            if setting.capped_by and self.flow.bottleneck == concurrency_of(service):
                return setting.capped_by
        return self.flow.bottleneck

    @property
    def fits(self) -> bool:
        return self.hours is None or self.flow.seconds <= self.hours * 3600


def plan(images: int, work: Work, quotas: Quotas, hours: float | None = None) -> Plan:
    """The smallest settings that finish in time; without hours, the fastest that quotas allow.

    If no settings finish in time, the fastest, with the limits that are too low.
    """
    fastest = ceiling(work, quotas)
    if hours is None:
        return _with(images, work, quotas, None, fastest)
    rate = min(fastest, images / (hours * 3600))
    for _ in range(ITERATIONS):
        candidate = _with(images, work, quotas, hours, rate)
        if candidate.fits or rate >= fastest:
            break
        # The excess is the time in which AWS was still scaling up.
        rate = min(fastest, rate * 1.001 * max(1.01, candidate.flow.seconds / (hours * 3600)))
    if candidate.fits:
        return candidate
    return replace(candidate, raises=tuple(too_low(images, work, quotas, hours)))


def _with(images: int, work: Work, quotas: Quotas, hours: float | None, rate: float) -> Plan:
    chosen = settings(work, quotas, rate)
    return Plan(images, hours, rate, chosen, run(images, work, quotas, chosen))


def run(images: int, work: Work, quotas: Quotas, chosen: Mapping[str, Setting]) -> Flow:
    """Simulate the flow with these settings."""
    concurrency = {service: setting.concurrency for service, setting in chosen.items()}
    return flow(images, queues(work, limits(work, quotas)), concurrency, quotas)


def queues(work: Work, bounds: Iterable[Limit]) -> tuple[Queue, ...]:
    """The queues of an image's flow, with the limits of each."""
    caps = {name: tuple(limit.cap for limit in bounds if name in limit.hops) for name in AFTER}
    return tuple(
        Queue(name, work.hops[name].service, _seconds(name, work), after, caps[name])
        for name, after in AFTER.items()
    )


def _seconds(name: str, work: Work) -> float:
    """The work for an average message: some are answered from the reuse index."""
    seconds = work.seconds(work.hops[name])
    if name != ANALYZE:
        return seconds
    return (1 - work.reuse) * seconds + work.reuse * work.seconds(work.hops[REUSED])


def ceiling(work: Work, quotas: Quotas) -> float:
    """The highest lasting rate of any settings, in images a second."""
    lasting = [limit.cap.lasting for limit in limits(work, quotas)]
    concurrency = quotas.event_source.most_concurrency
    alone = [concurrency / (HEADROOM * work.busy(service)) for service in work.services]
    return min(*lasting, *alone, together(work, quotas))


def together(work: Work, quotas: Quotas) -> float:
    """Images a second for which the account's concurrency is enough, with headroom."""
    return quotas.account.concurrency / (HEADROOM * sum(map(work.busy, work.services)))


def settings(work: Work, quotas: Quotas, rate: float) -> dict[str, Setting]:
    """Settings for so many images a second, by Little's law: concurrency is rate times duration."""
    return {service: _setting(service, work, quotas, rate) for service in work.services}


def _setting(service: str, work: Work, quotas: Quotas, rate: float) -> Setting:
    function, busy = work.functions[service], work.busy(service)
    concurrency, capped_by = math.ceil(round(rate * busy * HEADROOM, 6)), None
    if service == work.hops[ANALYZE].service:
        # More would be throttled: Rekognition's rate is per account.
        for limit in limits(work, quotas):
            most = int(limit.cap.rate * busy)
            if limit.hops == (ANALYZE,) and most < concurrency:
                concurrency, capped_by = most, limit.cap.name
    return Setting(
        memory=function.memory,
        batch=_batch(function, max(map(work.seconds, work.of(service)))),
        concurrency=max(MIN_CONCURRENCY, min(quotas.event_source.most_concurrency, concurrency)),
        seconds=busy,
        capped_by=capped_by,
    )


def _batch(function: Function, slowest: float) -> int:
    """The service's batch size, or less: the last record must start with its worst case left."""
    most = int((function.timeout - function.worst_case) / slowest) + 1
    return min(function.batch or 1, most)


def too_low(images: int, work: Work, quotas: Quotas, hours: float) -> list[Raise]:
    """The limits below the average rate that the hours need.

    If there is none, the limits that are below it only at the start.
    """
    rate = images / (hours * 3600)
    raises = [
        _raise(limit, limit.cap.lasting, rate)
        for limit in limits(work, quotas)
        if limit.cap.lasting < rate
    ]
    if rate > together(work, quotas):
        needed = quotas.account.concurrency * rate / together(work, quotas)
        how = "Service Quotas, Lambda, concurrent executions (--account-concurrency)"
        raises += [Raise(ACCOUNT, quotas.account.concurrency, needed, "at a time", how)]
    for service in work.services:
        most, needed = quotas.event_source.most_concurrency, rate * work.busy(service) * HEADROOM
        if needed > most:
            how = (
                "fixed: more memory makes each faster; a second function and queue would take half"
            )
            raises += [
                Raise(f"Lambda: MaximumConcurrency of {service}", most, needed, "at a time", how)
            ]
    scaling = [limit for limit in limits(work, quotas) if limit.cap.rate < limit.cap.lasting]
    low_at_start = [limit for limit in scaling if limit.cap.rate < rate * HEADROOM]
    return raises or [_raise(limit, limit.cap.rate, rate * HEADROOM) for limit in low_at_start]


def _raise(limit: Limit, now: float, rate: float) -> Raise:
    return Raise(limit.cap.name, now * limit.each, rate * limit.each, limit.unit, limit.raise_it)
