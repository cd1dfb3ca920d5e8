"""What the options of `replay` mean, and which of them make no sense together."""

import pytest

from infra.cli import operations
from infra.cli.main import main
from infra.operations import replay as replay_module
from tests.unit.operations.conftest import Stage


@pytest.fixture
def wanted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[replay_module.FailedFilter]:
    """What the stage in memory was searched for."""
    searches = []

    def failed_records(_images, wanted: replay_module.FailedFilter) -> list:
        searches.append(wanted)
        return []

    monkeypatch.setattr(operations, "images_of", lambda _arguments: stage.images)
    monkeypatch.setattr(replay_module, "failed_records", failed_records)
    return searches


def refusal(capsys, *words: str) -> str:
    assert main(["replay", *words]) == 1
    return str(capsys.readouterr().err)


@pytest.mark.parametrize("stage_of_the_pipeline", ["analyze", "resize", "store"])
def test_the_stage_of_a_replay_is_where_an_image_failed(wanted, stage_of_the_pipeline) -> None:
    assert main(["replay", "--failed", "--stage", stage_of_the_pipeline]) == 0
    assert wanted == [replay_module.FailedFilter(stage=stage_of_the_pipeline)]


@pytest.mark.parametrize("option", ["--deployment", "--stage"])
def test_every_other_command_takes_either_word_for_the_deployment(capsys, option) -> None:
    assert main(["audit", option, "live"]) == 1
    assert "there is no stage 'live'" in capsys.readouterr().err


def test_a_replay_takes_one_word_only_for_the_deployment(capsys) -> None:
    assert "there is no stage 'live'" in refusal(capsys, "--failed", "--deployment", "live")


def test_a_stage_at_which_nothing_fails_is_refused_with_those_there_are(capsys) -> None:
    said = refusal(capsys, "--failed", "--stage", "rescue")
    assert said == "error: no image fails at 'rescue', but at one of: analyze, resize, store\n"


def test_who_names_a_deployment_is_told_its_option(capsys) -> None:
    assert "--deployment prod" in refusal(capsys, "--failed", "--stage", "prod")


@pytest.mark.parametrize("choice", [("--stage", "resize"), ("--since", "1h"), ("--reason", "x")])
def test_what_chooses_among_failed_images_is_refused_beside_named_ones(capsys, choice) -> None:
    assert "choose among --failed images" in refusal(capsys, "an-image", *choice)


@pytest.mark.parametrize("words", [(), ("an-image", "--failed")])
def test_a_replay_is_of_named_images_or_of_failed_ones(capsys, words) -> None:
    assert "name the images to replay, or --failed" in refusal(capsys, *words)


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_a_rate_is_above_zero(capsys, rate) -> None:
    assert "--rate is a number of images a second" in refusal(capsys, "--failed", "--rate", rate)


@pytest.mark.parametrize("words", [("--failed",), ("an-image",)])
def test_an_analyzer_is_named_for_a_reanalysis_only(capsys, words) -> None:
    assert "with --analyze-only" in refusal(capsys, *words, "--analyzer", "rekognition")


def test_an_analyzer_nobody_knows_is_refused_with_those_there_are(capsys) -> None:
    said = refusal(capsys, "an-image", "--analyze-only", "--analyzer", "tarot")
    assert said == "error: there is no analyzer 'tarot'; choose one of: rekognition\n"


def test_failed_images_without_a_published_run_are_no_matter_of_a_reanalysis(wanted) -> None:
    assert main(["replay", "--failed", "--analyze-only"]) == 0
    assert wanted == [replay_module.FailedFilter(published=True)]
