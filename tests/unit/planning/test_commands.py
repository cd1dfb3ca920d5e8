"""The output and the errors of `plan` and `cost`."""

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
    for text in ("1,000,000 images", "resize", "1769 MB", "time  ", "Rekognition", "$3,6"):
        assert text in printed


def test_a_plan_that_does_not_fit_names_the_limit_to_raise_and_exits_with_1(capsys):
    assert main(["plan", "--images", "1e6", "--hours", "2"]) == 1
    printed = capsys.readouterr()
    assert "Service Quotas, Rekognition" in printed.out
    assert printed.err.startswith("error: it takes 5 h 3")
    assert printed.err.count("\n") == 1


def test_the_printed_settings_can_be_pasted_into_the_stages_file(capsys, tmp_path):
    main(["plan", "--images", "1e6"])
    printed = capsys.readouterr().out
    begin = printed.index("[function.")
    document = tomllib.loads(printed[begin : printed.index("\ntime ")])
    main(["plan", "--images", "1e6", "--json"])
    settings = json.loads(capsys.readouterr().out)["settings"]
    for name, changed in document["function"].items():
        assert changed == {part: settings[name][part] for part in ("concurrency", "batch")}
    (tmp_path / "prod.toml").write_text((FOLDER / "prod.toml").read_text() + toml_of(document))
    services = Stage.load("prod", tmp_path).run(definitions())
    assert {service.name: service.function.concurrency for service in services}["analyze"] == 50


def toml_of(document):
    return "".join(
        f"\n[function.{name}]\nconcurrency = {setting['concurrency']}\nbatch = {setting['batch']}\n"
        for name, setting in document["function"].items()
    )


def test_a_plan_uses_the_quotas_given_as_options(capsys):
    raised = ["--detection-rate", "200", "--warm-writes", "20000", "--account-concurrency", "2k"]
    assert main(["plan", "--images", "1e6", "--hours", "2", *raised, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["fits"] is True
    assert result["seconds"] <= 7200
    assert set(result["settings"]) == {"resize", "analyze", "store", "notify"}


def test_a_slower_vcpu_needs_more_functions(capsys):
    concurrency = []
    for factor in ("1", "4"):
        main(["plan", "--images", "10k", "--cpu-factor", factor, "--json"])
        result = json.loads(capsys.readouterr().out)
        concurrency.append(result["settings"]["resize"]["concurrency"])
    assert concurrency[0] < concurrency[1]


def test_a_bill_names_services_kinds_and_the_cost_without_reuse(capsys):
    assert main(["cost", "--images", "10000", "--reuse-share", "30%"]) == 0
    printed = capsys.readouterr().out
    for text in ("30% with known", "Detections", "$28.00", "Without reuse: $42.13"):
        assert text in printed


def test_the_lines_of_a_json_bill_sum_up_to_the_total(capsys):
    assert main(["cost", "--images", "10k", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    lines = [usd for kinds in result["services"].values() for usd in kinds.values()]
    assert sum(lines) == pytest.approx(result["usd"], abs=1e-4)
    assert result["usd_without_reuse"] == result["usd"]
    assert result["prices"]["region"] == "us-east-1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "many"], "'many' is not a number such as 10k, 1_000_000 or 1e6"),
        (["--images", "0"], "'0' is not between 1 and"),
        (["--images", "1e99"], "'1e99' is not between 1 and"),
        (["--images", "1.5"], "'1.5' is not a whole number of images"),
        (["--images", "-3"], "is not a number"),
        (["--images", "1e6", "--hours", "0"], "'0' is not a number above 0"),
        (["--images", "1e6", "--hours", "nan"], "'nan' is not a number above 0"),
        (["--images", "1e6", "--reuse-share", "130%"], "'130%' is not a share"),
        (["--images", "1e6", "--cpu-factor", "fast"], "'fast' is not a number above 0"),
        ([], "the following arguments are required: --images"),
    ],
)
def test_an_invalid_option_is_an_error_with_its_value(options, message, capsys):
    with pytest.raises(SystemExit) as left:
        main(["plan", *options])
    assert left.value.code == 2
    assert message in capsys.readouterr().err.replace("expected one argument", "is not a number")


def test_a_detection_without_a_price_is_an_error(monkeypatch, capsys, tmp_path):
    from infra.config import stages  # noqa: PLC0415  this test patches the folder

    stage = (stages.FOLDER / "prod.toml").read_text().replace('text moderation"', 'celebrities"')
    (tmp_path / "prod.toml").write_text(stage)
    monkeypatch.setattr(stages.Stage.load.__func__, "__defaults__", (tmp_path,))
    assert main(["cost", "--images", "10"]) == 1
    assert "prices.toml has no entry for the detection 'celebrities'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "number"),
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
def test_a_number_of_images_has_several_notations(text, number):
    assert images(text) == number


@given(st.integers(1, 10**12))
def test_any_number_of_images_is_parsed(number):
    assert images(str(number)) == images(f"{number:_}") == images(f"{number:,}") == number


@pytest.mark.parametrize(("text", "number"), [("0.3", 0.3), ("30%", 0.3), ("1", 1), ("0%", 0)])
def test_a_share_is_a_fraction_or_percent(text, number):
    assert share(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "%", "-0.1", "1.1", "inf"])
def test_an_invalid_share_is_refused(text):
    with pytest.raises(ValueError):
        share(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.34, "0.3 s"), (59, "59 s"), (60, "1 min"), (213, "3 min 33 s"), (7200, "2 h"),
     (20_040, "5 h 34 min"), (2_001_600, "23 d 4 h")],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds, words):
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
def test_an_amount_has_cents_or_three_significant_digits(usd, words):
    assert dollars(usd) == words
