"""The ids that let a repeat be recognised, and the trace that joins what belongs together."""

import re
from datetime import datetime, timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope, derive, traceparent
from shared.contracts.images import ImageCompleted, ImageFailed
from shared.message import message_records, read
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    COMPLETED,
    FAILED,
    FIRST,
    REPORT,
    RESIZED,
    SECOND,
    SOURCE,
    STEP_FAILED,
    THIRD,
    UPLOADED,
)

W3C = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
LATER = AT + timedelta(hours=1)


def answer(cause: Envelope, source: str = "darkroom/resize", n: int = 0) -> str:
    return cause.caused(RESIZED, source, n, AT).id


def verdict_id(verdict: ImageCompleted | ImageFailed, cause: Envelope = THIRD, n: int = 0) -> str:
    return cause.caused(verdict, "darkroom/store", n, LATER).id


def test_a_report_that_says_something_else_is_another_report() -> None:
    again, otherwise = STEP_FAILED, STEP_FAILED.model_copy(update={"reason": "forbidden"})
    ids = [
        THIRD.caused(said, "darkroom/resize", 0, AT).id for said in (STEP_FAILED, again, otherwise)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_the_same_answer_to_the_same_cause_has_the_same_id_at_any_time() -> None:
    assert answer(FIRST) == FIRST.caused(RESIZED, "darkroom/resize", 0, LATER).id


def test_the_id_of_an_answer_does_not_depend_on_what_it_says() -> None:
    other = RESIZED.model_copy(update={"width": 1})
    assert FIRST.caused(other, "darkroom/resize", 0, AT).id == answer(FIRST)


def test_another_cause_source_place_or_type_is_another_id() -> None:
    ids = [
        answer(FIRST),
        answer(SECOND),
        answer(FIRST, source="darkroom/analyze"),
        answer(FIRST, n=1),
        FIRST.caused(ANALYZED, "darkroom/resize", 0, AT).id,
    ]
    assert len(set(ids)) == len(ids)


def test_a_verdict_has_one_id_whoever_asks_and_however_often() -> None:
    assert verdict_id(COMPLETED) == verdict_id(COMPLETED, REPORT, n=7)
    changed = COMPLETED.model_copy(update={"width": 1, "owner": None, "decided_at": LATER})
    assert verdict_id(changed) == verdict_id(COMPLETED)


def test_the_id_of_a_verdict_depends_on_image_run_and_outcome() -> None:
    failed = FAILED.model_copy(update={"image": CAT})
    again = COMPLETED.model_copy(update={"run": 1})
    ids = {verdict_id(one) for one in (COMPLETED, failed, again, FAILED)}
    assert len(ids) == 4


def test_an_upload_is_caused_by_nothing_but_its_image() -> None:
    assert (FIRST.causationid, FIRST.correlationid, FIRST.subject) == (CAT, CAT, CAT)


def test_every_answer_names_its_cause_and_the_image() -> None:
    assert (SECOND.causationid, SECOND.correlationid) == (FIRST.id, CAT)
    assert (THIRD.causationid, THIRD.correlationid) == (SECOND.id, CAT)


@given(
    image=st.uuids(),
    run=st.integers(0, 10**6),
    key=st.text(min_size=1, max_size=250),
    owner=st.none() | st.text(max_size=250),
    at=st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()),  # noqa: DTZ001 - the zone is drawn too
)
def test_whatever_an_event_says_is_read_as_it_was_written(
    image: UUID, run: int, key: str, owner: str | None, at: datetime
) -> None:
    source = SOURCE.model_copy(update={"key": key})
    said = {"image": str(image), "run": run, "source": source, "owner": owner}
    cause = Envelope.first(UPLOADED.model_copy(update=said), "darkroom/uploads", at)
    answer = cause.caused(RESIZED.model_copy(update=said), "darkroom/resize", 0, at)
    assert [read(*message_records(one.to_json())) for one in (cause, answer)] == [cause, answer]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"))
"""What stands between the parts of an id is in none of them: no bucket, version or type has it."""


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 9)), unique=True, max_size=8))
def test_different_parts_never_make_the_same_id(parts: list[tuple[str, str, int]]) -> None:
    assert len({derive(*part) for part in parts}) == len(parts)


@given(st.uuids(), st.uuids())
def test_a_traceparent_is_what_w3c_says(correlation: object, identity: object) -> None:
    assert W3C.fullmatch(traceparent(str(correlation), str(identity)))


def test_all_hops_of_an_image_are_one_trace_and_each_a_span_of_its_own() -> None:
    parts = [one.traceparent.split("-") for one in (FIRST, SECOND, THIRD)]
    assert {trace for _, trace, _, _ in parts} == {CAT.replace("-", "")}
    assert len({span for _, _, span, _ in parts}) == 3


def test_parts_of_an_id_do_not_run_into_one_another() -> None:
    assert derive("ab", "c") != derive("a", "bc")
    assert derive("a", 1) == derive("a", "1")


def test_the_time_on_the_wire_is_utc() -> None:
    here = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert Envelope.first(UPLOADED, "darkroom/uploads", here).time == AT
    assert '"time":"2026-11-21T10:00:00Z"' in Envelope.first(UPLOADED, "x", here).to_json()


def test_a_message_is_one_line() -> None:
    assert "\n" not in SECOND.to_json()
