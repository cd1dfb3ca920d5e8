"""Recorded responses: recording and replaying without a model."""

import hashlib
import subprocess
import sys

import pytest

from infra.rekognition.faults import FaultPlan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.operations import build_services, replaying_services
from infra.rekognition.sources import Sources
from tests.unit.rekognition.conftest import connect, serving

RESPONSE = {"FaceDetails": [], "OrientationCorrection": "ROTATE_0"}
PHOTO = b"a photo"


@pytest.fixture
def fixtures(tmp_path):
    return Fixtures(tmp_path, Sources())


@pytest.fixture
def replaying_client(fixtures):
    with serving(replaying_services(fixtures, FaultPlan())) as url:
        yield connect(url)


@pytest.fixture
def record(fixtures):
    """A function that records first_photo response."""

    def record(operation, response, **parameters):
        return fixtures.recording(operation, lambda _: response)(parameters)

    return record


def test_a_recorded_response_is_replayed(record, replaying_client):
    record("DetectFaces", RESPONSE, Image={"Bytes": PHOTO})

    response = replaying_client.detect_faces(Image={"Bytes": PHOTO}, Attributes=["ALL"])

    assert response["OrientationCorrection"] == "ROTATE_0"


def test_an_unknown_photo_is_refused_with_its_hash(record, replaying_client):
    record("DetectFaces", RESPONSE, Image={"Bytes": PHOTO})
    digest = hashlib.sha256(b"another").hexdigest()

    with pytest.raises(replaying_client.exceptions.InvalidParameterException, match=digest):
        replaying_client.detect_faces(Image={"Bytes": b"another"})


def test_an_unrecorded_operation_is_refused_for_a_recorded_photo(record, replaying_client):
    record("DetectFaces", RESPONSE, Image={"Bytes": PHOTO})

    with pytest.raises(replaying_client.exceptions.InvalidParameterException, match="DetectText"):
        replaying_client.detect_text(Image={"Bytes": PHOTO})


def test_the_order_of_two_photos_matters(record, replaying_client):
    first_photo, second_photo = {"Bytes": b"first_photo"}, {"Bytes": b"second_photo"}
    record("CompareFaces", {"FaceMatches": []}, SourceImage=first_photo, TargetImage=second_photo)

    assert (
        replaying_client.compare_faces(SourceImage=first_photo, TargetImage=second_photo)[
            "FaceMatches"
        ]
        == []
    )
    with pytest.raises(replaying_client.exceptions.InvalidParameterException):
        replaying_client.compare_faces(SourceImage=second_photo, TargetImage=first_photo)


def test_a_later_recording_replaces_an_earlier_one(record, replaying_client):
    record("DetectText", {"TextModelVersion": "1"}, Image={"Bytes": PHOTO})
    record("DetectText", {"TextModelVersion": "2"}, Image={"Bytes": PHOTO})

    assert replaying_client.detect_text(Image={"Bytes": PHOTO})["TextModelVersion"] == "2"


def test_an_invalid_file_is_an_internal_error_that_names_it(record, replaying_client, tmp_path):
    record("DetectText", {}, Image={"Bytes": PHOTO})
    (file,) = tmp_path.glob("DetectText/*.json")
    file.write_text("{")

    with pytest.raises(replaying_client.exceptions.InternalServerError, match=file.name):
        replaying_client.detect_text(Image={"Bytes": PHOTO})


def test_an_error_is_not_recorded(fixtures, tmp_path):
    def refuse(parameters):
        raise ZeroDivisionError

    service = build_services({"DetectText": fixtures.recording("DetectText", refuse)})
    with serving(service) as url, pytest.raises(Exception, match="its log says why"):
        connect(url).detect_text(Image={"Bytes": PHOTO})

    assert list(tmp_path.iterdir()) == []


def test_the_server_process_records_and_then_replays_without_models(weights, tmp_path, cat):
    record = ["--models", str(weights), "--record", str(tmp_path)]
    replay = ["--models", str(tmp_path / "none"), "--fixtures", str(tmp_path)]

    recorded, replayed = (served(options, cat) for options in (record, replay))

    assert "Cat" in [label["Name"] for label in recorded]
    assert replayed == recorded


def served(options, photo):
    command = [sys.executable, "-m", "infra.rekognition", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stderr.readline().split()[-1]
            return connect(url).detect_labels(Image={"Bytes": photo})["Labels"]
        finally:
            process.kill()
