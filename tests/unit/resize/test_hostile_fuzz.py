"""The fuzz run counts the good ends, and stops at any other with the file that caused it."""

import sys

import pytest

from tests.lab.fuzz import __main__ as fuzz

pytestmark = pytest.mark.slow


@pytest.fixture
def run(monkeypatch, tmp_path):
    """``run(seconds)``: the exit code; what offends is kept in ``tmp_path``."""
    monkeypatch.setattr(fuzz, "KEPT", tmp_path)
    monkeypatch.setattr(fuzz, "originals", lambda: [b"GIF89a" + bytes(50)])
    monkeypatch.setattr(fuzz, "peak", lambda: 0)  # of the tests' own process, which holds more

    def fuzzed(seconds):
        monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", str(seconds), "--seed", "7"])
        return fuzz.main()

    return fuzzed


def test_a_run_without_offence_ends_well(run, tmp_path, capsys):
    assert run(0.3) == 0
    assert "files/s" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_foreign_error_is_an_offence_and_its_file_is_kept(run, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(fuzz, "develop", lambda *_: {}["no such key"])
    assert run(60) == 1
    (kept,) = tmp_path.iterdir()
    assert str(kept) in capsys.readouterr().out
    assert kept.stat().st_size > 0


def test_too_much_memory_is_an_offence(run, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz, "peak", lambda: 10**12)
    assert run(60) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_the_same_seed_mutates_alike():
    original = bytes(range(250)) * 2
    one, other = (fuzz.mutated(original, fuzz.random.Random(3)) for _ in range(2))
    assert one == other != original
