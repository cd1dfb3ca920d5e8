"""How a backlog of images flows through the queues: a fluid model of SQS, Lambda and their limits.

Images are a fluid, not drops: right for thousands, meaningless for ten. Time goes in steps of one
second, and once that is less than ``FINE`` of what has passed, in steps of that share.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.planning.quotas import Quotas

FINE = 1 / 500
"""A step's share of the time that passed: what the model is exact to."""
DONE = 1 - 1e-9
"""A share of all images: what is left beyond it is rounding, not an image."""
ACCOUNT = "Lambda: concurrent executions of the account"
NOTHING = "nothing: each message is taken as it comes"
FOREVER = 100 * 365 * 86_400.0
"""s. What takes longer does not end."""


@dataclass(frozen=True)
class Cap:
    """At most so many images a second; doubling every so often, up to ``most``."""

    name: str
    rate: float
    doubling: float = 0.0
    most: float = 0.0

    def at(self, seconds: float) -> float:
        if not self.doubling or self.rate >= self.most:
            return self.rate
        # The exponent is bounded: the most is reached long before.
        return min(self.most, self.rate * 2.0 ** min(60, int(seconds / self.doubling)))

    @property
    def lasting(self) -> float:
        """What it comes to in the end."""
        return max(self.rate, self.most)


@dataclass(frozen=True)
class Queue:
    """Messages of one type on the queue of one service: one for each image."""

    name: str
    service: str
    seconds: float  # that one message keeps its function at work
    after: str | None = None  # the queue whose messages lead to these; None: the uploads
    caps: tuple[Cap, ...] = ()


@dataclass
class Trace:
    """What became of one queue's messages so far."""

    came: float = 0.0
    done: float = 0.0
    first: float | None = None  # s; when the first came
    waited: float = 0.0  # s, of all messages together
    longest: float = 0.0  # s
    area: float = 0.0  # messages that wait, times seconds
    arrivals: list[tuple[float, float]] = field(default_factory=list)  # (s, all that came by then)
    reached: int = 0  # the arrival that is being served

    @property
    def waiting(self) -> float:
        return max(0.0, self.came - self.done)

    def arrive(self, messages: float, at: float) -> None:
        if messages <= 0:
            return
        self.first = at if self.first is None else self.first
        self.came += messages
        self.arrivals.append((at, self.came))

    def serve(self, messages: float, at: float) -> None:
        """The oldest first."""
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
    """How it went."""

    seconds: float  # from the upload of all to the last image's end
    bottleneck: str  # what held the slowest queue back for the most of the time
    queues: Mapping[str, Trace]

    @property
    def longest(self) -> float:
        """Seconds that a message waited at most, on any queue."""
        return max(trace.longest for trace in self.queues.values())


def flow(
    images: float, queues: Sequence[Queue], concurrency: Mapping[str, int], quotas: Quotas
) -> Flow:
    """Let so many images, all uploaded at once, flow through ``queues``, which are in the order of
    the flow; ``concurrency`` is what each service's event source may take.
    """
    model = _Model(queues, concurrency, quotas)
    model.traces[queues[0].name].arrive(images, 0.0)
    now = 0.0
    while model.traces[queues[-1].name].done < images * DONE and now < FOREVER:
        step = max(1.0, now * FINE)
        model.advance(now, step)
        now += step
    latency = sum(queue.seconds for queue in model.path())
    held = max(model.held, key=model.held.__getitem__, default=NOTHING)
    return Flow(now + latency, held, model.traces)


def concurrency_of(service: str) -> str:
    """What a queue is held back by if more of its functions would help."""
    return f"{service}: its concurrency"


class _Model:
    def __init__(
        self, queues: Sequence[Queue], concurrency: Mapping[str, int], quotas: Quotas
    ) -> None:
        self.queues = queues
        self.concurrency = concurrency
        self.quotas = quotas
        self.traces = {queue.name: Trace() for queue in queues}
        self.held: defaultdict[str, float] = defaultdict(float)

    def path(self) -> list[Queue]:
        """The last queue and all that lead to it."""
        by_name = {queue.name: queue for queue in self.queues}
        found = [self.queues[-1]]
        while found[-1].after is not None:
            found.append(by_name[found[-1].after])
        return found

    def advance(self, now: float, step: float) -> None:
        """One step: what is served in it is there for the next queue within the same step."""
        workers = self._workers(now, step)
        left = {service: there * step for service, (there, _) in workers.items()}
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
            self.held[slowest[1]] += step

    def _share(self, queue: Queue, seconds: float) -> float:
        """Of the time that its service has left: by how much waits for it there. The last queue of
        a service takes what the others left over.
        """
        rest = self.queues[self.queues.index(queue) :]
        siblings = [one for one in rest if one.service == queue.service]
        waiting = [self.traces[one.name].waiting * one.seconds for one in siblings]
        return seconds * waiting[0] / sum(waiting) if sum(waiting) else seconds

    def _workers(self, now: float, step: float) -> dict[str, tuple[float, str]]:
        """How many functions each service has at work, and what allows no more."""
        services = dict.fromkeys(queue.service for queue in self.queues)
        given = {service: self._of_service(service, now) for service in services}
        busy = sum(min(self._wanted(service, step), there) for service, (there, _) in given.items())
        if busy <= self.quotas.account.concurrency:
            return given
        share = self.quotas.account.concurrency / busy
        return {
            service: (min(self._wanted(service, step), there) * share, ACCOUNT)
            for service, (there, _) in given.items()
        }

    def _of_service(self, service: str, now: float) -> tuple[float, str]:
        """What its event source takes by now; before the first message, what it starts with."""
        firsts = [self.traces[queue.name].first for queue in self._of(service)]
        began = min((first for first in firsts if first is not None), default=now)
        grown = self.quotas.event_source.batches(now - began)
        if grown < self.concurrency[service]:
            return grown, f"{service}: its event source still adds batches"
        return self.concurrency[service], concurrency_of(service)

    def _wanted(self, service: str, step: float) -> float:
        """Functions that would finish within this step all that waits."""
        return sum(self.traces[one.name].waiting * one.seconds for one in self._of(service)) / step

    def _of(self, service: str) -> list[Queue]:
        return [queue for queue in self.queues if queue.service == service]
