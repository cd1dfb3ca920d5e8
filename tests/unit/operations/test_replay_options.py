"""The options of `replay`, and the combinations that are refused."""

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.operations import replay as replay_module
from tests.unit.operations.conftest import Stage


@pytest.fixture
def selections(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[replay_module.FailedFilter]:
    """The filters that the command used."""
    searches = []

    def failed_records(_images, selection: replay_module.FailedFilter) -> list:
        searches.append(selection)
        return []

    monkeypatch.setattr(operations, "images_of", lambda _arguments: stage.images)
    monkeypatch.setattr(replay_module, "failed_records", failed_records)
    return searches


def refusal(capsys, *arguments: str) -> str:
    assert main(["replay", *arguments]) == 1
    return str(capsys.readouterr().err)


@pytest.mark.parametrize("stage_of_the_pipeline", ["analyze", "resize", "store"])
def test_the_stage_option_of_replay_is_a_stage_of_the_pipeline(
    selections, stage_of_the_pipeline
) -> None:
    assert main(["replay", "--failed", "--stage", stage_of_the_pipeline]) == 0
    assert selections == [replay_module.FailedFilter(stage=stage_of_the_pipeline)]


@pytest.mark.parametrize("option", ["--deployment", "--stage"])
def test_other_commands_accept_stage_and_deployment_for_the_deployment(capsys, option) -> None:
    assert main(["audit", option, "live"]) == 1
    assert "there is no stage 'live'" in capsys.readouterr().err


def test_replay_accepts_only_deployment_for_the_deployment(capsys) -> None:
    assert "there is no stage 'live'" in refusal(capsys, "--failed", "--deployment", "live")


def test_a_stage_at_which_no_image_fails_is_an_error_that_lists_the_stages(capsys) -> None:
    error = refusal(capsys, "--failed", "--stage", "rescue")
    assert error == "error: no image fails at 'rescue'; choose from: analyze, resize, store\n"


def test_a_deployment_given_as_stage_is_an_error_that_names_the_option(capsys) -> None:
    assert "--deployment prod" in refusal(capsys, "--failed", "--stage", "prod")


@pytest.mark.parametrize("choice", [("--stage", "resize"), ("--since", "1h"), ("--reason", "x")])
def test_filters_cannot_be_combined_with_named_images(capsys, choice) -> None:
    assert "can be used with --failed only" in refusal(capsys, "an-image", *choice)


@pytest.mark.parametrize("words", [(), ("an-image", "--failed")])
def test_replay_takes_either_named_or_failed_images(capsys, words) -> None:
    assert "name the images to replay, or use --failed" in refusal(capsys, *words)


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_the_rate_must_be_above_zero(capsys, rate) -> None:
    assert "--rate is a number of images a second" in refusal(capsys, "--failed", "--rate", rate)


@pytest.mark.parametrize("words", [("--failed",), ("an-image",)])
def test_the_analyzer_option_requires_analyze_only(capsys, words) -> None:
    assert "with --analyze-only" in refusal(capsys, *words, "--analyzer", "rekognition")


def test_an_unknown_analyzer_is_an_error_that_lists_the_analyzers(capsys) -> None:
    error = refusal(capsys, "an-image", "--analyze-only", "--analyzer", "tarot")
    assert error == "error: there is no analyzer 'tarot'; choose from: rekognition\n"


def test_a_reanalysis_selects_only_failed_images_with_a_published_run(selections) -> None:
    assert main(["replay", "--failed", "--analyze-only"]) == 0
    assert selections == [replay_module.FailedFilter(published=True)]
