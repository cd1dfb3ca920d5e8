"""Differences of documents, for the golden templates of dev and local."""

import pytest

from tests.infra.differences import ABSENT, differences


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),
        ({"a": 1}, {}, {"a": ABSENT}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": {"[1]": 3}}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": {"[1]": 2}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": {"[1]": ABSENT}}),
        ({"a": [1]}, {"a": {"[0]": 1}}, {"a": {"[0]": 1}}),
    ],
)
def test_only_what_differs_is_listed(base, other, expected):
    assert differences(base, other) == expected
