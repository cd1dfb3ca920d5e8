"""`plan` and `cost` as they are typed: what they print, and how they fail."""

import argparse
import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli.main import main
from infra.config.definitions import definitions
from infra.config.stages import FOLDER, Stage
from infra.planning.numbers import dollars, images, share, span


def test_a_plan_prints_settings_time_bottleneck_and_dollars(capsys):
    assert main(["plan", "--images", "1e6"]) == 0
    printed = capsys.readouterr().out
    for word in ("1,000,000 images", "resize", "1769 MB", "time  ", "Rekognition", "$3,6"):
        assert word in printed


def test_what_does_not_fit_says_what_to_raise_and_exits_one(capsys):
    assert main(["plan", "--images", "1e6", "--hours", "2"]) == 1
    printed = capsys.readouterr()
    assert "Service Quotas, Rekognition" in printed.out
    assert printed.err.startswith("error: too slow: it takes 5 h 3")
    assert printed.err.count("\n") == 1


def test_what_the_stage_would_have_to_hold_can_be_copied(capsys, tmp_path):
    main(["plan", "--images", "1e6"])
    printed = capsys.readouterr().out
    begin = printed.index("[function.")
    said = tomllib.loads(printed[begin : printed.index("\ntime ")])
    main(["plan", "--images", "1e6", "--json"])
    settings = json.loads(capsys.readouterr().out)["settings"]
    for name, changed in said["function"].items():
        assert changed == {part: settings[name][part] for part in ("concurrency", "batch")}
    (tmp_path / "prod.toml").write_text((FOLDER / "prod.toml").read_text() + toml_of(said))
    run = Stage.load("prod", tmp_path).run(definitions())
    assert {one.name: one.function.concurrency for one in run}["analyze"] == 50


def toml_of(said):
    return "".join(
        f"\n[function.{name}]\nconcurrency = {one['concurrency']}\nbatch = {one['batch']}\n"
        for name, one in said["function"].items()
    )


def test_what_was_raised_is_counted_on(capsys):
    raised = ["--detection-rate", "200", "--warm-writes", "20000", "--account-concurrency", "2k"]
    assert main(["plan", "--images", "1e6", "--hours", "2", *raised, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fits"] is True
    assert found["seconds"] <= 7200
    assert set(found["settings"]) == {"resize", "analyze", "store", "notify"}


def test_a_slower_vcpu_needs_more_functions(capsys):
    concurrency = []
    for factor in ("1", "4"):
        main(["plan", "--images", "10k", "--cpu-factor", factor, "--json"])
        found = json.loads(capsys.readouterr().out)
        concurrency.append(found["settings"]["resize"]["concurrency"])
    assert concurrency[0] < concurrency[1]


def test_a_bill_names_services_kinds_and_the_cost_without_reuse(capsys):
    assert main(["cost", "--images", "10000", "--reuse-share", "30%"]) == 0
    printed = capsys.readouterr().out
    for word in ("30% with reused analysis", "Detections", "$28.00", "Without reuse: $42.11"):
        assert word in printed


def test_a_bill_for_scripts_adds_up(capsys):
    assert main(["cost", "--images", "10k", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    lines = [usd for kinds in found["services"].values() for usd in kinds.values()]
    assert sum(lines) == pytest.approx(found["usd"], abs=1e-4)
    assert found["usd_without_reuse"] == found["usd"]
    assert found["prices"]["region"] == "us-east-1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--images", "many"], "'many' is no number such as 10k, 1_000_000 or 1e6"),
        (["--images", "0"], "'0' is not between 1 and"),
        (["--images", "1e99"], "'1e99' is not between 1 and"),
        (["--images", "1.5"], "'1.5' is no whole number of images"),
        (["--images", "-3"], "is no number"),
        (["--images", "1e6", "--hours", "0"], "'0' is no number above 0"),
        (["--images", "1e6", "--hours", "nan"], "'nan' is no number above 0"),
        (["--images", "1e6", "--reuse-share", "130%"], "'130%' is no share"),
        (["--images", "1e6", "--cpu-factor", "fast"], "'fast' is no number above 0"),
        ([], "the following arguments are required: --images"),
    ],
)
def test_a_number_that_is_none_is_told_by_its_name(options, said, capsys):
    with pytest.raises(SystemExit) as left:
        main(["plan", *options])
    assert left.value.code == 2
    assert said in capsys.readouterr().err.replace("expected one argument", "is no number")


def test_a_detection_that_nobody_priced_is_an_error(monkeypatch, capsys, tmp_path):
    from infra.config import stages  # noqa: PLC0415  only this test looks elsewhere for stages

    stage = (stages.FOLDER / "prod.toml").read_text().replace('text moderation"', 'celebrities"')
    (tmp_path / "prod.toml").write_text(stage)
    monkeypatch.setattr(stages.Stage.load.__func__, "__defaults__", (tmp_path,))
    assert main(["cost", "--images", "10"]) == 1
    assert "prices.toml has no entry for the detection 'celebrities'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("1e6", 1_000_000),
        ("1_000_000", 1_000_000),
        ("1,000,000", 1_000_000),
        ("10k", 10_000),
        ("1.5M", 1_500_000),
        ("100", 100),
        ("1E+3", 1000),
    ],
)
def test_a_number_is_read_as_people_write_it(word, number):
    assert images(word) == number


@given(st.integers(1, 10**12))
def test_any_number_of_images_is_read_back(number):
    assert images(str(number)) == images(f"{number:_}") == images(f"{number:,}") == number


@pytest.mark.parametrize(("word", "number"), [("0.3", 0.3), ("30%", 0.3), ("1", 1), ("0%", 0)])
def test_a_share_is_a_fraction_or_percent(word, number):
    assert share(word) == pytest.approx(number)


@pytest.mark.parametrize("word", ["", "%", "-0.1", "1.1", "inf"])
def test_no_other_share_is_taken(word):
    with pytest.raises(argparse.ArgumentTypeError):
        share(word)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.34, "0.3 s"), (59, "59 s"), (60, "1 min"), (213, "3 min 33 s"), (7200, "2 h"),
     (20_040, "5 h 34 min"), (2_001_600, "23 d 4 h")],
)  # fmt: skip
def test_a_length_of_time_is_told_by_its_two_largest_units(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0, "$0.00"),
        (0.00422, "$0.00422"),
        (0.05, "$0.0500"),
        (42.212, "$42.21"),
        (3621, "$3,621.00"),
    ],
)
def test_money_is_told_in_cents_or_in_what_is_left_of_them(usd, words):
    assert dollars(usd) == words
