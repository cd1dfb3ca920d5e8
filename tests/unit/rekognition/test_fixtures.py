"""Recorded answers: kept once, given again, without a model."""

import hashlib
import subprocess
import sys

import pytest

from infra.rekognition.faults import Plan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.operations import offering, replaying
from infra.rekognition.sources import Sources
from tests.unit.rekognition.conftest import connect, serving

ANSWER = {"FaceDetails": [], "OrientationCorrection": "ROTATE_0"}
PHOTO = b"a photo"


@pytest.fixture
def fixtures(tmp_path):
    return Fixtures(tmp_path, Sources())


@pytest.fixture
def replayed(fixtures):
    with serving(replaying(fixtures, Plan())) as url:
        yield connect(url)


@pytest.fixture
def record(fixtures):
    """Answer once, for the record."""

    def record(operation, answer, **parameters):
        return fixtures.recording(operation, lambda _: answer)(parameters)

    return record


def test_what_was_recorded_is_answered_again(record, replayed):
    record("DetectFaces", ANSWER, Image={"Bytes": PHOTO})

    answer = replayed.detect_faces(Image={"Bytes": PHOTO}, Attributes=["ALL"])

    assert answer["OrientationCorrection"] == "ROTATE_0"


def test_another_photo_is_refused_by_its_hash(record, replayed):
    record("DetectFaces", ANSWER, Image={"Bytes": PHOTO})
    digest = hashlib.sha256(b"another").hexdigest()

    with pytest.raises(replayed.exceptions.InvalidParameterException, match=digest):
        replayed.detect_faces(Image={"Bytes": b"another"})


def test_another_operation_is_refused_though_the_photo_is_known(record, replayed):
    record("DetectFaces", ANSWER, Image={"Bytes": PHOTO})

    with pytest.raises(replayed.exceptions.InvalidParameterException, match="DetectText"):
        replayed.detect_text(Image={"Bytes": PHOTO})


def test_two_photos_are_told_apart_by_their_order(record, replayed):
    one, two = {"Bytes": b"one"}, {"Bytes": b"two"}
    record("CompareFaces", {"FaceMatches": []}, SourceImage=one, TargetImage=two)

    assert replayed.compare_faces(SourceImage=one, TargetImage=two)["FaceMatches"] == []
    with pytest.raises(replayed.exceptions.InvalidParameterException):
        replayed.compare_faces(SourceImage=two, TargetImage=one)


def test_a_later_recording_takes_the_place_of_an_earlier_one(record, replayed):
    record("DetectText", {"TextModelVersion": "1"}, Image={"Bytes": PHOTO})
    record("DetectText", {"TextModelVersion": "2"}, Image={"Bytes": PHOTO})

    assert replayed.detect_text(Image={"Bytes": PHOTO})["TextModelVersion"] == "2"


def test_a_file_that_is_no_json_is_our_fault_and_named(record, replayed, tmp_path):
    record("DetectText", {}, Image={"Bytes": PHOTO})
    (file,) = tmp_path.glob("DetectText/*.json")
    file.write_text("{")

    with pytest.raises(replayed.exceptions.InternalServerError, match=file.name):
        replayed.detect_text(Image={"Bytes": PHOTO})


def test_a_refusal_is_not_recorded(fixtures, tmp_path):
    def refuse(parameters):
        raise ZeroDivisionError

    service = offering({"DetectText": fixtures.recording("DetectText", refuse)})
    with serving(service) as url, pytest.raises(Exception, match="its log says why"):
        connect(url).detect_text(Image={"Bytes": PHOTO})

    assert list(tmp_path.iterdir()) == []


def test_the_served_process_records_and_then_answers_without_models(weights, tmp_path, cat):
    record = ["--models", str(weights), "--record", str(tmp_path)]
    replay = ["--models", str(tmp_path / "none"), "--fixtures", str(tmp_path)]

    first, second = (served(options, cat) for options in (record, replay))

    assert "Cat" in [label["Name"] for label in first]
    assert second == first


def served(options, photo):
    run = [sys.executable, "-m", "infra.rekognition", "serve", "--port", "0", *options]
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stderr.readline().split()[-1]
            return connect(url).detect_labels(Image={"Bytes": photo})["Labels"]
        finally:
            process.kill()
