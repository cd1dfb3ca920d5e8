"""What shares an emulator or a browser is dealt to one process, whatever else is dealt apart."""

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
def test_a_test_belongs_to_the_part_of_what_it_stands_on(node: str, expected: str) -> None:
    assert part(node) == expected


def test_the_longest_part_begins_first_and_files_come_last() -> None:
    nodes = ["tests/unit/a.py::test_a", "tests/web/a.py::test_a", "tests/e2e/a.py::test_a"]
    assert sorted(nodes, key=longest_first) == nodes[::-1]


@pytest.mark.slow  # nearly all tests of emulators are
def test_no_test_waits_for_an_emulator_outside_its_part(request: pytest.FixtureRequest) -> None:
    """Else a second process would start it once more."""
    shared = {"ministack": "MiniStack", "localstack": "LocalStack", "chaotic": "chaos"}
    for item in request.session.items:
        for name, home in shared.items():
            definitions = item._fixtureinfo.name2fixturedefs.get(name, [])
            if any(one.scope != "function" for one in definitions):
                assert part(item.nodeid) == home, item.nodeid
