"""The bootstrap, which the Makefile runs first."""

import sys

from infra.local import bootstrap


def test_an_older_python_is_refused_with_the_command_to_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))

    assert bootstrap.main() == 1

    printed = capsys.readouterr().err
    assert printed.startswith("error: Darkroom needs Python 3.11 or newer, this is 3.9 (")
    assert printed.endswith("make PYTHON=python3.13\n")
