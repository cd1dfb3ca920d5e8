"""The output and the errors of the command line."""

import json

import pytest

from infra.cli.main import main


def test_synth_prints_the_template(capsys):
    assert main(["synth", "--stage", "prod"]) == 0
    assert "UploadsBucket" in json.loads(capsys.readouterr().out)["Resources"]


def test_an_error_is_one_line_on_stderr_and_exit_one(capsys):
    assert main(["synth", "--stage", "live"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "error: there is no stage 'live'; choose one of: dev, local, prod\n"


def test_an_unreachable_emulator_is_reported_in_one_line(capsys):
    assert main(["outputs", "--endpoint-url", "http://127.0.0.1:1"]) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "no server answers at http://127.0.0.1:1" in printed
    assert "make local-up" in printed


@pytest.mark.parametrize("words", [[], ["nonsense"], ["deploy", "--for", "windows"]])
def test_wrong_usage_exits_two(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err
