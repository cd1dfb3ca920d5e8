"""DetectModerationLabels: what one score can say, and what it refuses to say."""

import pytest

from infra.rekognition.detect_moderation_labels import DetectModerationLabels

LOOP = {"HumanLoopName": "name", "FlowDefinitionArn": "arn"}


class Scored:
    """Networks with one that finds every picture as nude as it is told."""

    def __init__(self, score):
        self._score = score

    def nudity(self):
        return self

    def score(self, picture):
        return self._score


class OnePicture:
    def __init__(self, content):
        self._content = content

    def read(self, image):
        return self._content


@pytest.fixture
def judge(cat):
    def judge(score, **parameters):
        operation = DetectModerationLabels(Scored(score), OnePicture(cat))
        return operation({"Image": {}, **parameters})["ModerationLabels"]

    return judge


def test_a_cat_is_harmless_and_the_model_says_what_it_knows(client, cat):
    answer = client.detect_moderation_labels(Image={"Bytes": cat})

    assert answer["ModerationLabels"] == []
    assert answer["ModerationModelVersion"].endswith("(nudity only)")


def test_asked_for_every_score_the_cat_has_a_low_one(client, fits, cat):
    answer = client.detect_moderation_labels(Image={"Bytes": cat}, MinConfidence=0)

    assert fits("DetectModerationLabels", answer) == []
    assert all(label["Confidence"] < 20 for label in answer["ModerationLabels"])


def test_a_high_score_is_explicit_nudity_under_its_parent(judge):
    first, second = judge(0.75)

    assert (first["Name"], first["ParentName"], first["TaxonomyLevel"]) == ("Explicit", "", 1)
    assert (second["Name"], second["ParentName"]) == ("Explicit Nudity", "Explicit")
    assert (second["TaxonomyLevel"], second["Confidence"]) == (2, 75)


@pytest.mark.parametrize(
    ("score", "parameters", "said"),
    [(0.49, {}, False), (0.5, {}, True), (0.5, {"MinConfidence": 51}, False)],
)
def test_without_min_confidence_it_is_50(judge, score, parameters, said):
    assert bool(judge(score, **parameters)) is said


@pytest.mark.parametrize("more", [{"HumanLoopConfig": LOOP}, {"ProjectVersion": "a" * 20}])
def test_what_is_not_here_is_refused(client, cat, more):
    with pytest.raises(client.exceptions.InvalidParameterException, match="has no such thing"):
        client.detect_moderation_labels(Image={"Bytes": cat}, **more)
