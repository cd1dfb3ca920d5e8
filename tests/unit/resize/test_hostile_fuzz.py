"""The fuzzer counts expected results, and stops at any other one and stores its file."""

import sys

import pytest

from tests.lab.fuzz import __main__ as fuzz

pytestmark = pytest.mark.slow


@pytest.fixture
def run(monkeypatch, tmp_path):
    """``run(seconds)``: the exit code; failures are stored in ``tmp_path``."""
    monkeypatch.setattr(fuzz, "FAILURES", tmp_path)
    monkeypatch.setattr(fuzz, "originals", lambda: [b"GIF89a" + bytes(50)])
    monkeypatch.setattr(fuzz, "peak", lambda: 0)  # the test process itself uses more

    def fuzzed(seconds):
        monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", str(seconds), "--seed", "7"])
        return fuzz.main()

    return fuzzed


def test_a_run_without_failures_exits_with_0(run, tmp_path, capsys):
    assert run(0.3) == 0
    assert "files/s" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_an_unexpected_error_stops_the_run_and_its_file_is_stored(
    run, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(fuzz, "develop", lambda *_, **__: {}["no such key"])
    assert run(60) == 1
    (stored,) = tmp_path.iterdir()
    assert str(stored) in capsys.readouterr().out
    assert stored.stat().st_size > 0


def test_too_much_memory_stops_the_run(run, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz, "peak", lambda: 10**12)
    assert run(60) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_too_much_time_stops_the_run(run, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz, "MAX_SECONDS", -1)
    assert run(60) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_the_same_seed_repeats_the_mutations():
    original = bytes(range(250)) * 2
    first, second = (fuzz.mutated(original, fuzz.random.Random(3)) for _ in range(2))
    assert first == second != original
