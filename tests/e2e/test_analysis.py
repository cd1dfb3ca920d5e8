"""What is in the pictures, end to end on MiniStack: the local Rekognition looks at their pixels."""

import json
from pathlib import Path

import pytest

from infra.operations.images import Images
from services.analyze.logic import Detection
from shared.contracts.images import ImageAnalyzed
from tests.e2e.stack import Stack
from tests.lab.accuracy.pages import SIGN, drawn

SAMPLES = Path(__file__).parents[2] / "tests" / "lab" / "accuracy" / "photos"
PICTURES = {
    "person.jpg": (SAMPLES / "astronaut.jpg").read_bytes(),
    "page.png": drawn("sign", SIGN, size=64).content,
}


@pytest.fixture(scope="module")
def recorded(ministack: Stack) -> dict[str, ImageAnalyzed]:
    """What the record of each picture says was found in it."""
    keys = {f"analysis/{name}": name for name in PICTURES}
    with ministack.listening() as listener:
        for key, name in keys.items():
            ministack.upload(key, PICTURES[name])
        told = listener.hear(*keys)
    images = Images(ministack.outputs, ministack.clients)
    return {keys[key]: images.record(one["image"]).current.analyzed for key, one in told.items()}


def test_the_photo_of_a_person_ends_with_a_face_in_the_record(recorded) -> None:
    analyzed = recorded["person.jpg"]
    assert (analyzed.faces, analyzed.text) == (1, ())
    assert "Person" in {label.name for label in analyzed.labels}


def test_the_photo_of_a_page_ends_with_its_text_in_the_record(recorded) -> None:
    analyzed = recorded["page.png"]
    assert analyzed.text == ("NO PARKING", "Monday to Friday", "8 AM - 6 PM")
    assert analyzed.faces == 0


@pytest.mark.parametrize("name", PICTURES)
def test_moderation_is_asked_and_the_document_has_every_answer(
    ministack: Stack, recorded, name: str
) -> None:
    analyzed = recorded[name]
    assert analyzed.moderation is not None
    assert not analyzed.moderation.flagged
    document = json.loads(ministack.object(analyzed.document)["Body"].read())
    assert document["answers"].keys() == set(Detection)
    assert document["models"].keys() == set(Detection) - {Detection.FACES}  # which name none
