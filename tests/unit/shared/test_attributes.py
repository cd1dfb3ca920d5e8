"""Attribute values are equal to those of boto3, which other readers of the tables use."""

from decimal import Decimal, Inexact
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from shared.attributes import attributes, fields

NUMBERS = st.integers(-(10**30), 10**30) | st.decimals(
    -(10**9), 10**9, allow_nan=False, allow_infinity=False, places=8
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ITEMS = st.dictionaries(st.text(), VALUES)


@given(ITEMS)
def test_an_item_is_written_as_boto3_writes_it(item: dict[str, Any]) -> None:
    boto3 = TypeSerializer()
    assert attributes(item) == {name: boto3.serialize(value) for name, value in item.items()}


@given(ITEMS)
def test_an_item_is_read_as_boto3_reads_it(item: dict[str, Any]) -> None:
    boto3, written = TypeDeserializer(), attributes(item)
    assert fields(written) == {name: boto3.deserialize(value) for name, value in written.items()}
    assert fields(written) == item


def test_a_number_that_would_be_rounded_is_rejected() -> None:
    with pytest.raises(Inexact):
        attributes({"n": Decimal("1." + "1" * 38)})


@pytest.mark.parametrize("value", [1.5, b"bytes", {"a", "set"}], ids=["float", "bytes", "set"])
def test_a_value_without_an_attribute_type_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match="DynamoDB has no attribute"):
        attributes({"value": value})


def test_an_unsupported_attribute_type_is_rejected() -> None:
    with pytest.raises(TypeError, match="attributes of type SS are not supported"):
        fields({"names": {"SS": ["a"]}})
