"""DetectModerationLabels: labels by score, and unsupported parameters."""

import pytest

from infra.rekognition.detect_moderation_labels import DetectModerationLabels

LOOP = {"HumanLoopName": "name", "FlowDefinitionArn": "arn"}


class FakeNetworks:
    """Networks whose nudity classifier always returns the same score."""

    def __init__(self, score):
        self._score = score

    def nudity_classifier(self):
        return self

    def score(self, picture):
        return self._score


class FakeSources:
    """Sources that always return the same picture."""

    def __init__(self, content):
        self._content = content

    def read(self, image):
        return self._content


@pytest.fixture
def labels_for(cat):
    def labels_for(score, **parameters):
        operation = DetectModerationLabels(FakeNetworks(score), FakeSources(cat))
        return operation({"Image": {}, **parameters})["ModerationLabels"]

    return labels_for


def test_a_cat_has_no_label_and_the_version_names_the_models_scope(client, cat):
    response = client.detect_moderation_labels(Image={"Bytes": cat})

    assert response["ModerationLabels"] == []
    assert response["ModerationModelVersion"].endswith("(nudity only)")


def test_the_cat_has_a_low_score(client, shape_errors, cat):
    response = client.detect_moderation_labels(Image={"Bytes": cat}, MinConfidence=0)

    assert shape_errors("DetectModerationLabels", response) == []
    assert all(label["Confidence"] < 20 for label in response["ModerationLabels"])


def test_a_high_score_is_explicit_nudity_and_its_parent(labels_for):
    parent, child = labels_for(0.75)

    assert (parent["Name"], parent["ParentName"], parent["TaxonomyLevel"]) == ("Explicit", "", 1)
    assert (child["Name"], child["ParentName"]) == ("Explicit Nudity", "Explicit")
    assert (child["TaxonomyLevel"], child["Confidence"]) == (2, 75)


@pytest.mark.parametrize(
    ("score", "parameters", "labelled"),
    [(0.49, {}, False), (0.5, {}, True), (0.5, {"MinConfidence": 51}, False)],
)
def test_the_default_min_confidence_is_50(labels_for, score, parameters, labelled):
    assert bool(labels_for(score, **parameters)) is labelled


@pytest.mark.parametrize("more", [{"HumanLoopConfig": LOOP}, {"ProjectVersion": "a" * 20}])
def test_unsupported_parameters_are_refused(client, cat, more):
    with pytest.raises(client.exceptions.InvalidParameterException, match="not supported"):
        client.detect_moderation_labels(Image={"Bytes": cat}, **more)
