"""Derived ids, by which duplicates are recognised, and the trace context of an image."""

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


def resized_id(cause: Envelope, source: str = "darkroom/resize", n: int = 0) -> str:
    return cause.caused(RESIZED, source, n, AT).id


def outcome_id(outcome: ImageCompleted | ImageFailed, cause: Envelope = THIRD, n: int = 0) -> str:
    return cause.caused(outcome, "darkroom/store", n, LATER).id


def test_a_report_with_another_reason_has_another_id() -> None:
    other = STEP_FAILED.model_copy(update={"reason": "forbidden"})
    reports = (STEP_FAILED, STEP_FAILED, other)
    ids = [THIRD.caused(report, "darkroom/resize", 0, AT).id for report in reports]
    assert ids[0] == ids[1] != ids[2]


def test_the_id_of_an_event_does_not_depend_on_its_time() -> None:
    assert resized_id(FIRST) == FIRST.caused(RESIZED, "darkroom/resize", 0, LATER).id


def test_the_id_of_an_event_does_not_depend_on_its_data() -> None:
    other = RESIZED.model_copy(update={"width": 1})
    assert FIRST.caused(other, "darkroom/resize", 0, AT).id == resized_id(FIRST)


def test_another_cause_source_position_or_type_gives_another_id() -> None:
    ids = [
        resized_id(FIRST),
        resized_id(SECOND),
        resized_id(FIRST, source="darkroom/analyze"),
        resized_id(FIRST, n=1),
        FIRST.caused(ANALYZED, "darkroom/resize", 0, AT).id,
    ]
    assert len(set(ids)) == len(ids)


def test_an_outcome_has_one_id_for_any_cause_and_any_data() -> None:
    assert outcome_id(COMPLETED) == outcome_id(COMPLETED, REPORT, n=7)
    changed = COMPLETED.model_copy(update={"width": 1, "owner": None, "decided_at": LATER})
    assert outcome_id(changed) == outcome_id(COMPLETED)


def test_the_id_of_an_outcome_depends_on_its_image_run_and_type() -> None:
    failed = FAILED.model_copy(update={"image": CAT})
    again = COMPLETED.model_copy(update={"run": 1})
    ids = {outcome_id(outcome) for outcome in (COMPLETED, failed, again, FAILED)}
    assert len(ids) == 4


def test_the_cause_of_an_upload_is_its_image() -> None:
    assert (FIRST.causationid, FIRST.correlationid, FIRST.subject) == (CAT, CAT, CAT)


def test_every_event_names_its_cause_and_its_image() -> None:
    assert (SECOND.causationid, SECOND.correlationid) == (FIRST.id, CAT)
    assert (THIRD.causationid, THIRD.correlationid) == (SECOND.id, CAT)


@given(
    image=st.uuids(),
    run=st.integers(0, 10**6),
    key=st.text(min_size=1, max_size=250),
    owner=st.none() | st.text(max_size=250),
    at=st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()),  # noqa: DTZ001 - the zone is drawn too
)
def test_an_event_with_any_values_is_read_as_it_was_written(
    image: UUID, run: int, key: str, owner: str | None, at: datetime
) -> None:
    source = SOURCE.model_copy(update={"key": key})
    values = {"image": str(image), "run": run, "source": source, "owner": owner}
    cause = Envelope.first(UPLOADED.model_copy(update=values), "darkroom/uploads", at)
    effect = cause.caused(RESIZED.model_copy(update=values), "darkroom/resize", 0, at)
    for envelope in (cause, effect):
        assert read(*message_records(envelope.to_json())) == envelope


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"))
"""Text without the separator of an id's parts, which no bucket, version or type contains."""


@given(st.lists(st.tuples(WORDS, WORDS, st.integers(0, 9)), unique=True, max_size=8))
def test_different_parts_give_different_ids(parts: list[tuple[str, str, int]]) -> None:
    assert len({derive(*part) for part in parts}) == len(parts)


@given(st.uuids(), st.uuids())
def test_a_traceparent_has_the_format_of_w3c(correlation: object, identity: object) -> None:
    assert W3C.fullmatch(traceparent(str(correlation), str(identity)))


def test_the_events_of_an_image_share_a_trace_and_have_own_spans() -> None:
    parts = [envelope.traceparent.split("-") for envelope in (FIRST, SECOND, THIRD)]
    assert {trace for _, trace, _, _ in parts} == {CAT.replace("-", "")}
    assert len({span for _, _, span, _ in parts}) == 3


def test_the_parts_of_an_id_are_separated() -> None:
    assert derive("ab", "c") != derive("a", "bc")
    assert derive("a", 1) == derive("a", "1")


def test_the_time_of_an_envelope_is_utc() -> None:
    here = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert Envelope.first(UPLOADED, "darkroom/uploads", here).time == AT
    assert '"time":"2026-11-21T10:00:00Z"' in Envelope.first(UPLOADED, "x", here).to_json()


def test_an_envelope_is_serialised_as_one_line() -> None:
    assert "\n" not in SECOND.to_json()
