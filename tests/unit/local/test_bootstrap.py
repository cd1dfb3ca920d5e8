"""What the Makefile runs before anything else."""

import sys

from infra.local import bootstrap


def test_an_older_python_is_named_with_the_way_out(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))

    assert bootstrap.main() == 1

    said = capsys.readouterr().err
    assert said.startswith("error: Darkroom needs Python 3.11 or newer, this is 3.9 (")
    assert said.endswith("make PYTHON=python3.13\n")
