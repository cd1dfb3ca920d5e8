"""CompareFaces over the real models, asked by boto3's own client."""

import pytest

from infra.rekognition.compare_faces import similarity
from tests.unit.rekognition.conftest import MORE_PHOTOS


@pytest.fixture(scope="module")
def portrait():
    """Of one of the two people."""
    return (MORE_PHOTOS / "president-2012.jpg").read_bytes()


def compare(client, source, target, **more):
    return client.compare_faces(
        SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, **more
    )


def test_of_two_people_the_one_in_the_portrait_is_found(client, fits, portrait, two_people):
    answer = compare(client, portrait, two_people)

    (match,), (other,) = answer["FaceMatches"], answer["UnmatchedFaces"]
    assert fits("CompareFaces", answer) == []
    assert match["Similarity"] > 95
    assert match["Face"]["BoundingBox"]["Left"] < 0.5 < other["BoundingBox"]["Left"]


def test_the_sources_face_is_told(client, portrait, two_people):
    box = compare(client, portrait, two_people)["SourceImageFace"]["BoundingBox"]

    assert 0.3 < box["Left"] + box["Width"] / 2 < 0.7


def test_somebody_else_does_not_match(client, astronaut, two_people):
    answer = compare(client, astronaut, two_people)

    assert answer["FaceMatches"] == []
    assert len(answer["UnmatchedFaces"]) == 2


def test_at_threshold_zero_everybody_matches_the_most_alike_first(client, portrait, two_people):
    answer = compare(client, portrait, two_people, SimilarityThreshold=0)

    alike = [match["Similarity"] for match in answer["FaceMatches"]]
    assert len(alike) == 2
    assert alike == sorted(alike, reverse=True)


def test_without_a_face_there_is_nothing_to_compare(client, cat, portrait):
    for source, target, name in ((cat, portrait, "SourceImage"), (portrait, cat, "TargetImage")):
        with pytest.raises(client.exceptions.InvalidParameterException, match=name):
            compare(client, source, target)


def test_a_quality_filter_is_refused_rather_than_ignored(client, portrait):
    with pytest.raises(client.exceptions.InvalidParameterException, match="QualityFilter"):
        compare(client, portrait, portrait, QualityFilter="HIGH")


@pytest.mark.parametrize(("distance", "percent"), [(0.6, 80), (0.4, 99), (0.0, 100), (1.0, 1)])
def test_similarity_is_80_percent_where_dlib_parts_people(distance, percent):
    assert similarity(distance) == pytest.approx(percent, abs=0.5)
