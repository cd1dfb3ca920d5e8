"""Tests that share an emulator or a browser run in one process."""

import pytest

from tests.parts import longest_first, part


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("tests/e2e/test_poison.py::test_a", "MiniStack"),
        ("tests/e2e/test_api.py::test_a[ministack]", "MiniStack"),
        ("tests/e2e/test_api.py::test_a[localstack]", "LocalStack"),
        ("tests/e2e/test_localstack.py::test_a", "LocalStack"),
        ("tests/e2e/test_chaos.py::test_a", "chaos"),
        ("tests/web/test_states.py::test_a[phone-light]", "the page"),
        ("tests/unit/rekognition/test_accuracy.py::test_a", "the local Rekognition"),
        ("tests/unit/store/test_logic.py::test_a", "tests/unit/store/test_logic.py"),
        (
            "tests/saga/test_safeguards.py::test_a[b::c]",
            "tests/saga/test_safeguards.py::test_a[b::c]",
        ),
    ],
)
def test_a_test_belongs_to_the_part_of_its_emulator_or_file(node: str, expected: str) -> None:
    assert part(node) == expected


def test_the_longest_part_comes_first_and_single_files_last() -> None:
    nodes = ["tests/unit/a.py::test_a", "tests/web/a.py::test_a", "tests/e2e/a.py::test_a"]
    assert sorted(nodes, key=longest_first) == nodes[::-1]


@pytest.mark.slow  # nearly all tests of emulators are
def test_only_the_part_of_an_emulator_uses_it(request: pytest.FixtureRequest) -> None:
    """Otherwise a second process would start the emulator again."""
    shared = {"ministack": "MiniStack", "localstack": "LocalStack", "chaotic": "chaos"}
    for item in request.session.items:
        for name, home in shared.items():
            definitions = item._fixtureinfo.name2fixturedefs.get(name, [])
            if any(definition.scope != "function" for definition in definitions):
                assert part(item.nodeid) == home, item.nodeid
