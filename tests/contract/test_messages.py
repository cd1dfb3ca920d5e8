"""Any message is either read or rejected with a ``PermanentError``; no other error occurs."""

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
    """The envelopes of the body; none if it is rejected."""
    try:
        return [read(record) for record in message_records(body)]
    except PermanentError:
        return []


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """The value with one of its parts replaced by any JSON."""
    if not isinstance(value, dict) or not value or draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    name = draw(st.sampled_from(sorted(value)))
    return value | {name: draw(damaged(value[name]))}


@given(st.text())
def test_any_text_is_read_or_rejected(body: str) -> None:
    read_all(body)


@given(JSON)
def test_any_json_is_read_or_rejected(value: Any) -> None:
    read_all(json.dumps(value))


@given(damaged(ENVELOPE))
def test_a_damaged_event_is_rejected_or_can_cause_another(value: Any) -> None:
    for cause in read_all(json.dumps(value)):
        event = cause.caused(cause.data, "darkroom/test", 0, AT)
        assert event.causationid == cause.id


@given(st.lists(damaged(record()), max_size=3))
def test_a_damaged_notification_is_read_or_rejected(records: list[Any]) -> None:
    read_all(json.dumps({"Records": records}))


@given(st.datetimes(timezones=st.timezones()) | st.datetimes())
def test_any_time_of_an_upload_is_read_or_rejected(moment: Any) -> None:
    read_all(json.dumps({"Records": [record() | {"eventTime": moment.isoformat()}]}))


@pytest.mark.parametrize("body", ["", "nonsense", "[]", "7", "null", '"text"', "[" * 100_000])
def test_a_body_without_a_json_object_is_unreadable(body: str) -> None:
    with pytest.raises(PermanentError) as refused:
        [read(record) for record in message_records(body)]
    assert refused.value.reason == "unreadable"
