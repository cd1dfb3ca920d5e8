"""What the local Rekognition gets right must not become less."""

import pytest

from infra.rekognition import models
from infra.rekognition.packages import ModelsError
from tests.lab.accuracy import report, score, truth
from tests.lab.accuracy.asking import asking
from tests.optional import missing

TRUTH = truth.load()


@pytest.fixture(scope="module")
def scores():
    """Asked over the real weights; without a network only CI insists on them."""
    directory = models.default_directory()
    try:
        models.ensure(directory, print)
    except ModelsError as error:
        missing("weights", str(error))
    return {each.what: each for each in score.scores(asking(directory), TRUTH)}


@pytest.mark.slow
@pytest.mark.parametrize("what", TRUTH.least)
def test_as_much_is_right_as_was(scores, what):
    found = scores[what]

    assert found.right >= TRUTH.least[what], found.remarks


@pytest.mark.slow
def test_all_that_is_counted_has_a_least(scores):
    assert scores.keys() == TRUTH.least.keys()


def test_the_page_in_the_docs_tells_of_every_count():
    page = (truth.ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")

    assert [what for what in TRUTH.least if f"| {what} |" not in page] == []
    assert report.CANNOT in page


def test_every_photo_is_known_and_its_source_named():
    photos = truth.ROOT / "tests" / "lab" / "accuracy" / "photos"
    named = (photos / "README.md").read_text(encoding="utf-8")
    used = {photo.path for photo in TRUTH.photos}

    for path in photos.glob("*.jpg"):
        assert path in used
        assert f"| `{path.name}` |" in named
