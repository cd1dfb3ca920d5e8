"""Whatever lands on a queue is read, or refused by one of our own errors and by no other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope
from shared.errors import PermanentError
from shared.message import message_records, read
from tests.contract.samples import AT, ENVELOPES
from tests.contract.test_notifications import record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
ENVELOPE = json.loads(ENVELOPES["image.resized.v1"].to_json())


def read_all(body: str) -> list[Envelope]:
    """What the body tells of; nothing, if it is refused."""
    try:
        return [read(piece) for piece in message_records(body)]
    except PermanentError:
        return []


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """The value with anything at all in the place of one of its parts."""
    if not isinstance(whole, dict) or not whole or draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    name = draw(st.sampled_from(sorted(whole)))
    return whole | {name: draw(damaged(whole[name]))}


@given(st.text())
def test_any_text_is_read_or_refused(body: str) -> None:
    read_all(body)


@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    read_all(json.dumps(value))


@given(damaged(ENVELOPE))
def test_an_event_with_a_damaged_part_is_refused_or_can_be_answered(value: Any) -> None:
    for cause in read_all(json.dumps(value)):
        answer = cause.caused(cause.data, "darkroom/test", 0, AT)
        assert answer.causationid == cause.id


@given(st.lists(damaged(record()), max_size=3))
def test_a_notification_with_damaged_parts_is_read_or_refused(records: list[Any]) -> None:
    read_all(json.dumps({"Records": records}))


@given(st.datetimes(timezones=st.timezones()) | st.datetimes())
def test_any_moment_of_an_upload_is_read_or_refused(moment: Any) -> None:
    read_all(json.dumps({"Records": [record() | {"eventTime": moment.isoformat()}]}))


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "7", "null", '"text"', "[" * 100_000])
def test_what_is_no_json_object_is_unreadable(body: str) -> None:
    with pytest.raises(PermanentError) as refused:
        [read(piece) for piece in message_records(body)]
    assert refused.value.reason == "unreadable"
