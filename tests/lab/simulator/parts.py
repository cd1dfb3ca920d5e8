"""The adapters of a simulated service: in memory, and each reports its effects as evidence.

``Watched`` stops a worker right before and right after every call. A schedule can fail, freeze or
kill the worker there.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from services.analyze.logic import Detection
from services.resize import logic as pictures
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import Capture, Fingerprint, PictureDetails
from services.store.logic import Policy
from shared.contracts.envelope import Envelope
from shared.contracts.images import Fact, StepFailed
from shared.contracts.record import Record, Run, RunStatus
from shared.ledger import Claim, ClaimKey, ClaimStatus
from tests.fakes import MemoryLedger, MemoryObjects, MemoryRecords
from tests.lab.simulator.wiring import LIMITS, SPECS

if TYPE_CHECKING:
    from tests.lab.simulator.simulation import Simulation, Worker

DETECTIONS = (Detection.LABELS, Detection.MODERATION, Detection.EMBEDDING)
NUDITY = {"Name": "Nudity", "Confidence": 99.1}
CAT, KITTEN = {"Name": "Cat", "Confidence": 98.7}, {"Name": "Kitten", "Confidence": 71.2}
DIRECTIONS = [1.0, *[0.0] * 255], [*[0.0] * 255, 1.0]
"""Two embeddings at a right angle: runs take turns, so each changes the index of similar images."""
GOOD, BAD, DEADLY = b"a picture", b"no picture", b"a picture that kills its worker"


class Killed(BaseException):
    """The worker's process has died: no line after this one runs, not even an ``except``."""


class Watched:
    """An adapter whose every call is two moments: before it takes effect, and after."""

    def __init__(self, part: Any, name: str, moment: Callable[[str], None]) -> None:
        self._part, self._name, self._moment = part, name, moment

    def __getattr__(self, name: str) -> Any:
        call, moment = getattr(self._part, name), self._moment
        before, after = f"before {self._name}.{name}", f"after {self._name}.{name}"

        def watched(*args: Any, **kwargs: Any) -> Any:
            moment(before)
            answer = call(*args, **kwargs)
            moment(after)
            return answer

        self.__dict__[name] = watched  # the next lookup finds it there
        return watched


class Inline(Executor):
    """Runs what it is given at once: a worker's side effects stay in the worker's own greenlet."""

    def __init__(self, _most: int = 1) -> None:
        pass

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as every executor does
            future.set_exception(error)
        return future


@dataclass
class TimeLeft:
    """The context that Lambda passes to a worker: its time left."""

    simulation: "Simulation"
    worker: "Worker"

    def get_remaining_time_in_millis(self) -> int:
        self.worker.left = self.worker.started + LIMITS.timeout - self.simulation.now
        return int(self.worker.left * 1000)


class RememberedPictures:
    """Resizing whose results are memoized."""

    def develop(self, original: bytes, *_: object, **__: object) -> pictures.Developed:
        if original == BAD:
            raise refuse(Refusal.NOT_AN_IMAGE)
        if original == DEADLY:
            raise Killed("out of memory")
        return remembered()


@cache
def remembered() -> pictures.Developed:
    made = [
        pictures.Rendition(name, pictures.Format.JPEG, "image/jpeg", 4, 4, b"made")
        for name in (*(spec.name for spec in SPECS), pictures.ANALYSIS.name)
    ]
    return pictures.Developed(
        "JPEG",
        8,
        8,
        Capture(),
        gps_removed=False,
        details=PictureDetails(),
        renditions=tuple(made[:-1]),
        analysis=made[-1],
        fingerprint=Fingerprint("0f" * 8),
        placeholder=None,
    )


@dataclass
class Topic:
    """The events topic; each event of a publication has its own moments."""

    simulation: "Simulation"

    def publish(self, envelopes: Iterable[Envelope]) -> None:
        worker = self.simulation.current
        for envelope in envelopes:
            if isinstance(envelope.data, StepFailed) and worker and worker.claim:
                self.simulation.count_attempt(worker)  # also if the report is lost
            self.simulation.moment("before bus.publish")
            if isinstance(envelope.data, Fact):
                self.simulation.check_status_was_read(envelope.data.image, envelope.data.run)
            self.simulation.publish(envelope)
            self.simulation.moment("after bus.publish")


@dataclass
class DirectTopic:
    """The events topic of the reaper, which is no worker and stops nowhere."""

    simulation: "Simulation"

    def publish(self, envelopes: Iterable[Envelope]) -> None:
        for envelope in envelopes:
            self.simulation.publish(envelope)


@dataclass
class Queue:
    simulation: "Simulation"
    service: str

    def retry_later(self, waits: Iterable[tuple[Any, float]]) -> None:
        for message, seconds in waits:
            if sent := self.simulation.messages.get(message.id):
                sent.visible_at = self.simulation.now + round(seconds)

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        worker = self.simulation.current
        if reason == "worker-died" and worker and worker.claim:
            event = worker.claim.key.name.rsplit("/", 1)[-1]
            self.simulation.seen.gave_up(self.service, event, LIMITS.max_attempts)
        self.simulation.dead_letter(self.service, body, {"reason": reason, "detail": detail})


@dataclass
class Recognizer:
    """A Rekognition that sees a cat, every other run a kitten in it, and in a flagged picture
    more; and a Bedrock to which these two are not alike. It counts what it is paid.
    """

    simulation: "Simulation"

    def ask(self, detection: Detection, key: str, _thresholds: object) -> dict[str, Any]:
        _, image, run, _ = key.split("/")
        paid = (image, int(run), str(detection))
        worker = self.simulation.current
        assert worker
        if detection is DETECTIONS[0]:  # they are asked side by side, after one look
            self.simulation.check_status_was_read(image, int(run))
        self.simulation.seen.paid[paid] += 1
        worker.asked.add(paid)
        worker.unrecorded.add(paid)
        if detection is Detection.MODERATION:
            return {"ModerationLabels": [NUDITY] * self.simulation.flagged(image, int(run))}
        if detection is Detection.EMBEDDING:
            return {"embedding": DIRECTIONS[int(run) % 2], "modelId": "titan"}
        labels = [CAT, KITTEN] if int(run) % 2 else [CAT]
        return {"Labels": labels, "LabelModelVersion": "3.0"}


@dataclass
class Notifications:
    """The notifications topic."""

    simulation: "Simulation"

    def send(self, words: Any) -> None:
        notification = json.loads(words.data)
        seen = self.simulation.seen
        seen.notified[notification["id"]] += 1
        seen.record_content(f"notification {notification['id']}", words)
        seen.published_text(f"{words.data} {words.email} {words.sms}")
        quarantined = (
            notification["status"] == "completed"
            and (notification["image"], notification["run"]) in seen.quarantined
        )
        if notification["quarantined"] is not quarantined:
            seen.broken(
                "a notification differs from the quarantine decision",
                f"quarantined {notification['quarantined']}",
            )
        seen.statuses[notification["image"], notification["run"]].add(notification["status"])
        if worker := self.simulation.current:
            worker.asked.add(notification["id"])
            worker.unrecorded.add(notification["id"])


class Processed(MemoryObjects):
    """The processed bucket; a stored analysis records what was paid for."""

    def __init__(self, simulation: "Simulation") -> None:
        super().__init__()
        self.simulation = simulation

    def put(self, key: str, body: bytes, *args: Any, **kwargs: Any) -> None:
        def write() -> None:
            MemoryObjects.put(self, key, body, *args, **kwargs)
            if key.startswith("results/"):
                self.simulation.seen.published_text(body.decode())

        self._sent(key, write)
        write()
        worker = self.simulation.current
        if worker and worker.overran:
            worker.wrote.add(key)
        if key.startswith("analyses/"):
            self._record_analysis(worker, key, json.loads(body))

    def _record_analysis(
        self, worker: "Worker | None", key: str, analysis: Mapping[str, Any]
    ) -> None:
        _, image, run, *version = key.split("/")
        if worker:
            worker.unrecorded -= {(image, int(run), name) for name in analysis["answers"]}
        if version == ["analysis.json"]:
            self.simulation.seen.analysis_written(image, int(run), analysis)

    def copy(self, source: str, target: str) -> None:
        self._sent(target, lambda: self.find(source) and MemoryObjects.copy(self, source, target))
        super().copy(source, target)
        worker = self.simulation.current
        if worker and worker.overran:
            worker.wrote.add(target)

    def replace(self, key: str, *args: Any) -> bool:
        self._sent(key, lambda: MemoryObjects.replace(self, key, *args))
        return super().replace(key, *args)

    def _sent(self, key: str, write: Callable[[], object]) -> None:
        """A worker that is to die with a write on its way does so here."""
        worker = self.simulation.current
        if worker and worker.strands:
            self.simulation.in_flight.append((key, write))
            raise Killed(worker.at)


class Records(MemoryRecords):
    """The records; an outcome that is reversed is seen at once, and so is a release of nothing."""

    def __init__(self, simulation: "Simulation") -> None:
        super().__init__()
        self.simulation = simulation

    def write(self, record: Record) -> bool:
        before = self.records.get(record.image)
        written = super().write(record)
        if written:
            self._judged(before, record)
        if written and before:
            self._never_reversed(before, record)
        return written

    def _judged(self, before: Record | None, after: Record) -> None:
        """What has to wait follows from the picture and from the setting of who completes its run,
        not from what the record says of it.
        """
        seen, worker = self.simulation.seen, self.simulation.current
        if after.released and not (before and before.released):
            quarantined = any(image == after.image for image, _ in seen.quarantined)
            if before is None or before.deleted or not quarantined:
                seen.broken("released what was not quarantined", after.image)
            seen.released.add(after.image)
        if worker is None or worker.policy is Policy.FLAG or after.image in seen.released:
            return
        for number, run in after.runs.items():
            open_before = before is None or before.status(number) is RunStatus.OPEN
            completed = open_before and run.status is RunStatus.COMPLETED
            if completed and self._flagged(after.image, number, run):
                seen.quarantined.add((after.image, number))

    def _flagged(self, image: str, number: int, run: Run) -> bool:
        """Whether what was answered about this run, or about the one it reuses, was a flag."""
        reused = run.analyzed and run.analyzed.reused_from
        if reused and reused.image and reused.run is not None:
            image, number = self.simulation.seen.asked(reused.image, reused.run)
        return self.simulation.flagged(image, number)

    def _never_reversed(self, before: Record, after: Record) -> None:
        seen = self.simulation.seen
        for number, run in before.runs.items():
            if run.ended and after.runs[number].status is not run.status:
                seen.broken("an outcome was reversed", f"run {number}: {run.status}")
        if before.deleted and not after.deleted:
            seen.broken("a deleted image came back", after.image)

    def status(self, image: str, run: int) -> RunStatus:
        if worker := self.simulation.current:
            worker.status_read_at = self.simulation.clock()
        return super().status(image, run)


class Ledger(MemoryLedger):
    """The ledger; it knows what each worker holds."""

    def __init__(self, simulation: "Simulation") -> None:
        super().__init__()
        self.simulation = simulation

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Claim:
        claim = super().claim(key, owner, now, lease)
        worker = self.simulation.current
        assert worker
        self.simulation.excuse(worker)
        if worker.left < LIMITS.worst_case:
            self.simulation.seen.broken("began a message without enough time", worker.name)
        worker.claim = claim if claim.status is ClaimStatus.ACQUIRED else None
        return claim

    def complete(self, claim: Claim, now: float) -> None:
        super().complete(claim, now)
        if worker := self.simulation.current:
            worker.claim = None
            worker.unrecorded.discard(claim.key.name.rsplit("/", 1)[-1])

    def release(self, claim: Claim, *, counts_as_attempt: bool) -> None:
        row = self.rows[claim.key]
        if row.owner == claim.owner and not counts_as_attempt:
            self.simulation.uncount_attempt(claim)
        super().release(claim, counts_as_attempt=counts_as_attempt)
        if worker := self.simulation.current:
            worker.claim = None
