"""The accuracy of the local Rekognition must not fall below recorded counts."""

import pytest

from infra.rekognition import models
from infra.rekognition.packages import ModelsError
from tests.lab.accuracy import report, score, truth
from tests.lab.accuracy.operations import operations
from tests.optional import missing

TRUTH = truth.load()


@pytest.fixture(scope="module")
def scores():
    """The scores with the real weights. Without them CI fails; elsewhere the tests are skipped."""
    directory = models.default_directory()
    try:
        models.ensure(directory, print)
    except ModelsError as error:
        missing("weights", str(error))
    return {each.name: each for each in score.scores(operations(directory), TRUTH)}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTH.minimum)
def test_no_count_is_below_its_minimum(scores, name):
    result = scores[name]

    assert result.correct >= TRUTH.minimum[name], result.errors


@pytest.mark.slow
def test_every_count_has_a_minimum(scores):
    assert scores.keys() == TRUTH.minimum.keys()


def test_the_document_has_every_count_and_the_current_limits():
    document = (truth.ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")

    assert [name for name in TRUTH.minimum if f"| {name} |" not in document] == []
    assert report.LIMITS in document


def test_every_photo_is_used_and_has_a_named_source():
    photos = truth.ROOT / "tests" / "lab" / "accuracy" / "photos"
    readme = (photos / "README.md").read_text(encoding="utf-8")
    used = {photo.path for photo in TRUTH.photos}

    for path in photos.glob("*.jpg"):
        assert path in used
        assert f"| `{path.name}` |" in readme
