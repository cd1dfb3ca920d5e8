"""CompareFaces with the real models and boto3's client."""

import pytest

from infra.rekognition.compare_faces import similarity
from tests.unit.rekognition.conftest import MORE_PHOTOS


@pytest.fixture(scope="module")
def portrait():
    """A portrait of one of the two people."""
    return (MORE_PHOTOS / "president-2012.jpg").read_bytes()


def compare(client, source, target, **more):
    return client.compare_faces(
        SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, **more
    )


def test_the_person_of_the_portrait_matches_among_two_people(
    client, shape_errors, portrait, two_people
):
    response = compare(client, portrait, two_people)

    (match,), (other,) = response["FaceMatches"], response["UnmatchedFaces"]
    assert shape_errors("CompareFaces", response) == []
    assert match["Similarity"] > 95
    assert match["Face"]["BoundingBox"]["Left"] < 0.5 < other["BoundingBox"]["Left"]


def test_the_response_has_the_box_of_the_source_face(client, portrait, two_people):
    box = compare(client, portrait, two_people)["SourceImageFace"]["BoundingBox"]

    assert 0.3 < box["Left"] + box["Width"] / 2 < 0.7


def test_another_person_does_not_match(client, astronaut, two_people):
    response = compare(client, astronaut, two_people)

    assert response["FaceMatches"] == []
    assert len(response["UnmatchedFaces"]) == 2


def test_at_threshold_zero_all_faces_match_by_descending_similarity(client, portrait, two_people):
    response = compare(client, portrait, two_people, SimilarityThreshold=0)

    similarities = [match["Similarity"] for match in response["FaceMatches"]]
    assert len(similarities) == 2
    assert similarities == sorted(similarities, reverse=True)


def test_a_picture_without_a_face_is_refused(client, cat, portrait):
    for source, target, name in ((cat, portrait, "SourceImage"), (portrait, cat, "TargetImage")):
        with pytest.raises(client.exceptions.InvalidParameterException, match=name):
            compare(client, source, target)


def test_a_quality_filter_is_refused(client, portrait):
    with pytest.raises(client.exceptions.InvalidParameterException, match="QualityFilter"):
        compare(client, portrait, portrait, QualityFilter="HIGH")


@pytest.mark.parametrize(("distance", "percent"), [(0.6, 80), (0.4, 99), (0.0, 100), (1.0, 1)])
def test_similarity_is_80_percent_at_dlibs_threshold(distance, percent):
    assert similarity(distance) == pytest.approx(percent, abs=0.5)
