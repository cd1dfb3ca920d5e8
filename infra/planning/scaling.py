"""A fluid model of a backlog: how images flow through SQS and Lambda within their limits.

It is accurate for thousands of images and meaningless for ten. A time step is one second, or
``FINE`` of the elapsed time if that is longer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.planning.quotas import Quotas

FINE = 1 / 500
"""The share of the elapsed time that a step takes: the precision of the model."""
DONE = 1 - 1e-9
"""The share of all images at which the flow is complete; the rest is rounding."""
ACCOUNT = "Lambda: concurrent executions of the account"
NOTHING = "nothing: each message is received as it arrives"
FOREVER = 100 * 365 * 86_400.0
"""s; the simulation stops here."""


@dataclass(frozen=True)
class Cap:
    """A limit in images a second; it doubles every ``doubling`` seconds up to ``most``."""

    name: str
    rate: float
    doubling: float = 0.0
    most: float = 0.0

    def at(self, seconds: float) -> float:
        if not self.doubling or self.rate >= self.most:
            return self.rate
        # The bound on the exponent prevents an overflow.
        return min(self.most, self.rate * 2.0 ** min(60, int(seconds / self.doubling)))

    @property
    def lasting(self) -> float:
        """The limit after all doubling."""
        return max(self.rate, self.most)


@dataclass(frozen=True)
class Queue:
    """The messages of one type on a service's queue: one for each image."""

    name: str
    service: str
    seconds: float  # of work for one message
    after: str | None = None  # the queue whose messages lead to these; None: the uploads
    caps: tuple[Cap, ...] = ()


@dataclass
class Trace:
    """The messages of one queue so far."""

    arrived: float = 0.0
    done: float = 0.0
    first: float | None = None  # s; when the first arrived
    waited: float = 0.0  # s, of all messages together
    longest: float = 0.0  # s
    area: float = 0.0  # waiting messages times seconds
    arrivals: list[tuple[float, float]] = field(
        default_factory=list
    )  # (s, all arrivals until then)
    reached: int = 0  # index of the arrival that is being served

    @property
    def waiting(self) -> float:
        return max(0.0, self.arrived - self.done)

    def arrive(self, messages: float, at: float) -> None:
        if messages <= 0:
            return
        self.first = at if self.first is None else self.first
        self.arrived += messages
        self.arrivals.append((at, self.arrived))

    def serve(self, messages: float, at: float) -> None:
        """Serve so many messages, the oldest first."""
        end = self.done + messages
        while self.done < end and self.reached < len(self.arrivals):
            since, until = self.arrivals[self.reached]
            part = min(end, until) - self.done
            self.waited += part * (at - since)
            self.longest = max(self.longest, at - since)
            self.done += part
            if self.done >= until:
                self.reached += 1
            elif part <= 0:
                break
        self.done = end


@dataclass(frozen=True)
class Flow:
    """The result of a simulation."""

    seconds: float  # from the upload to the end of the last image
    bottleneck: str  # what limited the slowest queue for most of the time
    queues: Mapping[str, Trace]

    @property
    def longest(self) -> float:
        """The longest wait of a message on any queue, in seconds."""
        return max(trace.longest for trace in self.queues.values())


def flow(
    images: float, queues: Sequence[Queue], concurrency: Mapping[str, int], quotas: Quotas
) -> Flow:
    """Simulate so many images, all uploaded at once, through ``queues`` in the order of the flow.

    ``concurrency`` is the maximum concurrency of each service's event source.
    """
    model = _Model(queues, concurrency, quotas)
    model.traces[queues[0].name].arrive(images, 0.0)
    now = 0.0
    while model.traces[queues[-1].name].done < images * DONE and now < FOREVER:
        step = max(1.0, now * FINE)
        model.advance(now, step)
        now += step
    latency = sum(queue.seconds for queue in model.path())
    bottleneck = max(model.limited, key=model.limited.__getitem__, default=NOTHING)
    return Flow(now + latency, bottleneck, model.traces)


def concurrency_of(service: str) -> str:
    """The name of the bottleneck if more concurrency of the service would help."""
    return f"{service}: its concurrency"


class _Model:
    def __init__(
        self, queues: Sequence[Queue], concurrency: Mapping[str, int], quotas: Quotas
    ) -> None:
        self.queues = queues
        self.concurrency = concurrency
        self.quotas = quotas
        self.traces = {queue.name: Trace() for queue in queues}
        self.limited: defaultdict[str, float] = defaultdict(float)

    def path(self) -> list[Queue]:
        """The last queue and all queues before it."""
        by_name = {queue.name: queue for queue in self.queues}
        path = [self.queues[-1]]
        while path[-1].after is not None:
            path.append(by_name[path[-1].after])
        return path

    def advance(self, now: float, step: float) -> None:
        """Simulate one step. The next queue can serve a message in the same step."""
        workers = self._workers(now, step)
        left = {service: count * step for service, (count, _) in workers.items()}
        slowest: tuple[float, str] | None = None
        for queue in self.queues:
            trace = self.traces[queue.name]
            seconds = self._share(queue, left[queue.service])
            allowed = [(seconds / queue.seconds, workers[queue.service][1])]
            allowed += [(cap.at(now) * step, cap.name) for cap in queue.caps]
            most, why = min(allowed)
            served = min(trace.waiting, most)
            left[queue.service] -= served * queue.seconds
            trace.serve(served, now + step)
            trace.area += trace.waiting * step
            for later in self.queues:
                if later.after == queue.name:
                    self.traces[later.name].arrive(served, now + step)
            if served == most and (slowest is None or served < slowest[0]):
                slowest = served, why
        if slowest:
            self.limited[slowest[1]] += step

    def _share(self, queue: Queue, seconds: float) -> float:
        """The queue's share of its service's time, in proportion to the waiting work.

        The last queue of a service uses the time that the others left over.
        """
        rest = self.queues[self.queues.index(queue) :]
        siblings = [other for other in rest if other.service == queue.service]
        waiting = [self.traces[other.name].waiting * other.seconds for other in siblings]
        return seconds * waiting[0] / sum(waiting) if sum(waiting) else seconds

    def _workers(self, now: float, step: float) -> dict[str, tuple[float, str]]:
        """The concurrent functions of each service, and the limit on them."""
        services = dict.fromkeys(queue.service for queue in self.queues)
        allowed = {service: self._of_service(service, now) for service in services}
        busy = sum(
            min(self._needed(service, step), count) for service, (count, _) in allowed.items()
        )
        if busy <= self.quotas.account.concurrency:
            return allowed
        share = self.quotas.account.concurrency / busy
        return {
            service: (min(self._needed(service, step), count) * share, ACCOUNT)
            for service, (count, _) in allowed.items()
        }

    def _of_service(self, service: str, now: float) -> tuple[float, str]:
        """The concurrency of the event source now; before the first message, its start value."""
        firsts = [self.traces[queue.name].first for queue in self._of(service)]
        start = min((first for first in firsts if first is not None), default=now)
        scaled = self.quotas.event_source.batches(now - start)
        if scaled < self.concurrency[service]:
            return scaled, f"{service}: its event source is still scaling up"
        return self.concurrency[service], concurrency_of(service)

    def _needed(self, service: str, step: float) -> float:
        """The functions that would finish all waiting messages within this step."""
        return (
            sum(self.traces[queue.name].waiting * queue.seconds for queue in self._of(service))
            / step
        )

    def _of(self, service: str) -> list[Queue]:
        return [queue for queue in self.queues if queue.service == service]
