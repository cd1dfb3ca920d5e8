"""Whether the promises were kept: evidence in, figures out. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.analyze.logic import Detection
from shared.contracts.record import Record, RunStatus
from tests.lab.chaos.evidence import Evidence
from tests.lab.chaos.windows import Repeated


@dataclass(frozen=True)
class Figure:
    """One promise, and what came of it. ``about`` names the images that broke it."""

    name: str
    got: str
    promised: str
    met: bool
    about: tuple[str, ...] = ()


Promise = Callable[[Evidence], Figure]


def judge(evidence: Evidence, promises: Iterable[Promise]) -> list[Figure]:
    return [promise(evidence) for promise in promises]


def every_upload_ends(evidence: Evidence) -> Figure:
    ended = set(evidence.ended(RunStatus.COMPLETED, RunStatus.FAILED))
    missing = evidence.images - ended
    return _same("outcomes", len(ended), len(evidence.images), missing)


def no_record_is_open(evidence: Evidence) -> Figure:
    return _none("records open", evidence.ended(RunStatus.OPEN))


def every_image_is_told(evidence: Evidence) -> Figure:
    """Under an id of its own, and under no other."""
    ids = set(evidence.times_heard)
    images = [told.image for told in {told.id: told for told in evidence.heard}.values()]
    odd = evidence.images ^ set(images) | {i for i in images if images.count(i) > 1}
    return Figure(
        "distinct notification ids",
        str(len(ids)),
        str(len(evidence.images)),
        met=not odd,
        about=tuple(sorted(odd)),
    )


def what_is_told_is_on_record(evidence: Evidence) -> Figure:
    wrong = {
        told.image
        for told in evidence.heard
        if told.image not in evidence.records
        or told.status != evidence.records[told.image].current.status
    }
    return _none("told otherwise than recorded", wrong)


def told_once(evidence: Evidence) -> Figure:
    """Heard again only as often as SNS took a notification and the note of that was cut off."""
    heard = evidence.times_heard
    seen = {
        name: Repeated(times, evidence.told[name].cut if name in evidence.told else 0)
        for name, times in heard.items()
    }
    images = {told.id: told.image for told in evidence.heard}
    return _repeated("told again, window (b)", seen, images.__getitem__)


def paid_once(evidence: Evidence) -> Figure:
    return _repeated("paid again, window (a)", evidence.paid, lambda about: about.partition("/")[0])


def no_orphan(evidence: Evidence) -> Figure:
    return _none("orphaned objects", evidence.orphans)


def what_is_recorded_is_there(evidence: Evidence) -> Figure:
    missing = [key for key in _expected(evidence.records) if key not in evidence.objects]
    return _none("recorded objects missing", missing)


def nothing_waits(evidence: Evidence) -> Figure:
    return Figure("messages left", str(evidence.waiting), "0", met=evidence.waiting == 0)


def every_claim_is_settled(evidence: Evidence) -> Figure:
    unsettled = {key.image for key, row in evidence.ledger.items() if not row.completed}
    return _none("claims not settled", unsettled)


def dead_letters_are_explained(budget: int) -> Promise:
    """Whoever landed there has had all its tries."""

    def promise(evidence: Evidence) -> Figure:
        early = {letter.image for letter in evidence.letters if letter.tries < budget}
        return _none(f"dead letters before {budget} tries", early)

    return promise


def no_dead_letter(evidence: Evidence) -> Figure:
    return _none("dead letters", [letter.image for letter in evidence.letters])


def all_completed(evidence: Evidence) -> Figure:
    completed = set(evidence.ended(RunStatus.COMPLETED))
    return _same("completed", len(completed), len(evidence.images), evidence.images - completed)


def each_object_is_written_once(evidence: Evidence) -> Figure:
    expected = set(_expected(evidence.records))
    per_image = {key: evidence.puts.get(key, 0) for key in expected}
    return _exactly_once("objects written, of each one", per_image)


def each_detection_is_bought_once(evidence: Evidence) -> Figure:
    wanted = {f"{image}/0/{one}": 0 for image in evidence.images for one in Detection}
    bought = {about: seen.times for about, seen in evidence.paid.items()}
    return _exactly_once("calls that are paid for, each detection", wanted | bought)


def each_is_told_once(evidence: Evidence) -> Figure:
    heard = dict.fromkeys(evidence.images, 0)
    for told in evidence.heard:
        heard[told.image] += 1
    return _exactly_once("notifications, each upload", heard)


def no_timeout(evidence: Evidence) -> Figure:
    return Figure("timeouts", str(evidence.timeouts), "0", met=evidence.timeouts == 0)


def no_try_is_charged(evidence: Evidence) -> Figure:
    """What is returned to the queue for lack of time pays nothing for it."""
    counts_as_attempt = {key.image for key, row in evidence.ledger.items() if row.attempts != 1}
    return _none("claims charged more than one try", counts_as_attempt)


def batches_overflow(evidence: Evidence) -> Figure:
    """Every other upload at least is returned to the queue once; else the run would prove nothing."""
    least = (len(evidence.images) + 1) // 2
    times = evidence.returned
    return Figure("hand-backs", f"{times:,}", f"at least {least}", met=times >= least)


ALWAYS: tuple[Promise, ...] = (
    every_upload_ends,
    no_record_is_open,
    every_image_is_told,
    what_is_told_is_on_record,
    told_once,
    paid_once,
    no_orphan,
    what_is_recorded_is_there,
    nothing_waits,
    every_claim_is_settled,
)
UNDER_FAULTS = ALWAYS
IN_A_CROWD: tuple[Promise, ...] = (
    all_completed,
    each_object_is_written_once,
    each_detection_is_bought_once,
    each_is_told_once,
    no_timeout,
    no_try_is_charged,
    batches_overflow,
    no_orphan,
    what_is_recorded_is_there,
    nothing_waits,
    every_claim_is_settled,
    no_dead_letter,
)


def _expected(records: Mapping[str, Record]) -> Iterator[str]:
    """Every object that a completed image's record speaks of."""
    for record in records.values():
        run = record.current
        if run.status is RunStatus.COMPLETED and run.resized and run.analyzed:
            yield from (made.key for made in (*run.resized.renditions, run.resized.analysis))
            yield run.analyzed.document
            yield f"results/{record.image}.json"


def _same(name: str, got: int, promised: int, about: Iterable[str]) -> Figure:
    return Figure(name, str(got), str(promised), got == promised, tuple(sorted(about)))


def _none(name: str, found: Iterable[str]) -> Figure:
    names = tuple(sorted(found))
    return Figure(name, str(len(names)), "0", not names, names)


def _repeated(name: str, seen: Mapping[str, Repeated], image: Callable[[str], str]) -> Figure:
    """Each repeat has a cut of its own; the sums alone could hide one image behind another."""
    again = sum(one.times - 1 for one in seen.values())
    cut = sum(one.cut for one in seen.values())
    unexcused = sorted(image(about) for about, one in seen.items() if one.unexcused)
    return Figure(name, str(again), f"at most {cut}", not unexcused, tuple(unexcused))


def _exactly_once(name: str, times: Mapping[str, int]) -> Figure:
    share = sum(times.values()) / len(times) if times else 0
    odd = tuple(sorted(about for about, count in times.items() if count != 1))
    return Figure(name, f"{share:.2f}", "1.00", bool(times) and not odd, odd)
