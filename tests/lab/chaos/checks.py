"""Compare the evidence of a scenario with the guarantees; each check returns a figure. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.analyze.logic import Detection
from shared.contracts.record import Record, RunStatus
from tests.lab.chaos.evidence import Evidence
from tests.lab.chaos.windows import EffectCount


@dataclass(frozen=True)
class Figure:
    """The result of one check. ``violations`` names what failed it: images or object keys."""

    name: str
    measured: str
    expected: str
    met: bool
    violations: tuple[str, ...] = ()


Check = Callable[[Evidence], Figure]


def run_checks(evidence: Evidence, checks: Iterable[Check]) -> list[Figure]:
    return [check(evidence) for check in checks]


def every_upload_has_an_outcome(evidence: Evidence) -> Figure:
    ended = set(evidence.images_with(RunStatus.COMPLETED, RunStatus.FAILED))
    return _all("outcomes", len(ended), len(evidence.images), evidence.images - ended)


def no_run_is_open(evidence: Evidence) -> Figure:
    return _none("open runs", evidence.images_with(RunStatus.OPEN))


def every_image_has_one_notification_id(evidence: Evidence) -> Figure:
    images = [n.image for n in {n.id: n for n in evidence.notifications}.values()]
    repeated = {image for image in images if images.count(image) > 1}
    wrong = evidence.images ^ set(images) | repeated
    return Figure(
        "distinct notification ids",
        str(len(evidence.times_received)),
        str(len(evidence.images)),
        met=not wrong,
        violations=tuple(sorted(wrong)),
    )


def notifications_match_the_records(evidence: Evidence) -> Figure:
    wrong = {
        notification.image
        for notification in evidence.notifications
        if notification.image not in evidence.records
        or notification.status != evidence.records[notification.image].current.status
    }
    return _none("notifications unlike the record", wrong)


def repeated_notifications_were_interrupted(evidence: Evidence) -> Figure:
    """A notification repeats only as often as window (b) interrupted it."""
    sent = evidence.sent
    counts = {
        name: EffectCount(times, sent[name].interrupted if name in sent else 0)
        for name, times in evidence.times_received.items()
    }
    images = {notification.id: notification.image for notification in evidence.notifications}
    return _repeats("repeated notifications, window (b)", counts, images.__getitem__)


def repeated_paid_calls_were_interrupted(evidence: Evidence) -> Figure:
    """A paid call repeats only as often as window (a) interrupted it."""
    return _repeats(
        "repeated paid calls, window (a)", evidence.paid_calls, lambda name: name.partition("/")[0]
    )


def no_object_is_orphaned(evidence: Evidence) -> Figure:
    return _none("orphaned objects", evidence.orphans)


def no_recorded_object_is_missing(evidence: Evidence) -> Figure:
    missing = [key for key in _recorded_keys(evidence.records) if key not in evidence.objects]
    return _none("recorded objects missing", missing)


def no_message_is_left(evidence: Evidence) -> Figure:
    return Figure("messages left", str(evidence.waiting), "0", met=evidence.waiting == 0)


def every_claim_is_completed(evidence: Evidence) -> Figure:
    open_claims = {key.image for key, entry in evidence.ledger.items() if not entry.completed}
    return _none("claims not completed", open_claims)


def dead_letters_used_all_attempts(max_attempts: int) -> Check:
    """No event is dead-lettered before ``max_attempts`` attempts."""

    def check(evidence: Evidence) -> Figure:
        early = {d.image for d in evidence.dead_letters if d.attempts < max_attempts}
        return _none(f"dead letters before {max_attempts} attempts", early)

    return check


def no_dead_letter(evidence: Evidence) -> Figure:
    return _none("dead letters", [letter.image for letter in evidence.dead_letters])


def every_image_is_completed(evidence: Evidence) -> Figure:
    completed = set(evidence.images_with(RunStatus.COMPLETED))
    return _all("completed", len(completed), len(evidence.images), evidence.images - completed)


def each_object_is_written_once(evidence: Evidence) -> Figure:
    writes = {key: evidence.writes.get(key, 0) for key in set(_recorded_keys(evidence.records))}
    return _exactly_once("writes per object", writes)


def each_detection_is_paid_once(evidence: Evidence) -> Figure:
    expected = {f"{image}/0/{detection}": 0 for image in evidence.images for detection in Detection}
    paid = {name: count.times for name, count in evidence.paid_calls.items()}
    return _exactly_once("paid calls per detection", expected | paid)


def each_upload_has_one_notification(evidence: Evidence) -> Figure:
    received = dict.fromkeys(evidence.images, 0)
    for notification in evidence.notifications:
        received[notification.image] += 1
    return _exactly_once("notifications per upload", received)


def no_invocation_timed_out(evidence: Evidence) -> Figure:
    return Figure("timeouts", str(evidence.timeouts), "0", met=evidence.timeouts == 0)


def each_claim_took_one_attempt(evidence: Evidence) -> Figure:
    """Returning a message to the queue for lack of time does not count as an attempt."""
    images = {key.image for key, entry in evidence.ledger.items() if entry.attempts != 1}
    return _none("claims with more than one attempt", images)


def batches_overflowed(evidence: Evidence) -> Figure:
    """Half of the uploads or more were returned; otherwise the scenario proves nothing."""
    least = (len(evidence.images) + 1) // 2
    times = evidence.returned_messages
    return Figure("returned messages", f"{times:,}", f"at least {least}", met=times >= least)


UNDER_FAULTS: tuple[Check, ...] = (
    every_upload_has_an_outcome,
    no_run_is_open,
    every_image_has_one_notification_id,
    notifications_match_the_records,
    repeated_notifications_were_interrupted,
    repeated_paid_calls_were_interrupted,
    no_object_is_orphaned,
    no_recorded_object_is_missing,
    no_message_is_left,
    every_claim_is_completed,
)
OVERLOADED: tuple[Check, ...] = (
    every_image_is_completed,
    each_object_is_written_once,
    each_detection_is_paid_once,
    each_upload_has_one_notification,
    no_invocation_timed_out,
    each_claim_took_one_attempt,
    batches_overflowed,
    no_object_is_orphaned,
    no_recorded_object_is_missing,
    no_message_is_left,
    every_claim_is_completed,
    no_dead_letter,
)


def _recorded_keys(records: Mapping[str, Record]) -> Iterator[str]:
    """Every object that the record of a completed image names."""
    for record in records.values():
        run = record.current
        if run.status is RunStatus.COMPLETED and run.resized and run.analyzed:
            yield from (r.key for r in (*run.resized.renditions, run.resized.analysis))
            yield run.analyzed.document
            yield f"results/{record.image}.json"


def _all(name: str, measured: int, expected: int, missing: Iterable[str]) -> Figure:
    return Figure(name, str(measured), str(expected), measured == expected, tuple(sorted(missing)))


def _none(name: str, violations: Iterable[str]) -> Figure:
    names = tuple(sorted(violations))
    return Figure(name, str(len(names)), "0", not names, names)


def _repeats(name: str, counts: Mapping[str, EffectCount], image: Callable[[str], str]) -> Figure:
    """Each effect needs its own interruption; the sums alone could balance two images."""
    repeats = sum(count.times - 1 for count in counts.values())
    interrupted = sum(count.interrupted for count in counts.values())
    unexplained = sorted(image(effect) for effect, count in counts.items() if count.unexplained)
    return Figure(name, str(repeats), f"at most {interrupted}", not unexplained, tuple(unexplained))


def _exactly_once(name: str, times: Mapping[str, int]) -> Figure:
    mean = sum(times.values()) / len(times) if times else 0
    wrong = tuple(sorted(key for key, count in times.items() if count != 1))
    return Figure(name, f"{mean:.2f}", "1.00", bool(times) and not wrong, wrong)
