"""Analyses end to end on MiniStack: the local Rekognition reads the pixels."""

import json
from pathlib import Path

import pytest

from infra.operations.images import Images
from services.analyze.logic import Detection
from shared.contracts.images import ImageAnalyzed
from tests.e2e.stack import Stack
from tests.lab.accuracy.pages import SIGN, drawn

PHOTOS = Path(__file__).parents[1] / "lab" / "accuracy" / "photos"
PICTURES = {
    "person.jpg": (PHOTOS / "astronaut.jpg").read_bytes(),
    "page.png": drawn("sign", SIGN, size=64).content,
}


@pytest.fixture(scope="module")
def recorded(ministack: Stack) -> dict[str, ImageAnalyzed]:
    """The analysis in the record of each picture."""
    keys = {f"analysis/{name}": name for name in PICTURES}
    with ministack.listening() as listener:
        for key, name in keys.items():
            ministack.upload(key, PICTURES[name])
        notifications = listener.notifications(*keys)
    images = Images(ministack.outputs, ministack.clients)
    return {
        keys[key]: images.record(notification["image"]).current.analyzed
        for key, notification in notifications.items()
    }


def test_the_record_of_a_photo_of_a_person_has_a_face(recorded) -> None:
    analyzed = recorded["person.jpg"]
    assert (analyzed.faces, analyzed.text) == (1, ())
    assert "Person" in {label.name for label in analyzed.labels}


def test_the_record_of_a_photo_of_a_page_has_its_text(recorded) -> None:
    analyzed = recorded["page.png"]
    assert analyzed.text == ("NO PARKING", "Monday to Friday", "8 AM - 6 PM")
    assert analyzed.faces == 0


@pytest.mark.parametrize("name", PICTURES)
def test_the_document_has_the_answer_of_every_detection(
    ministack: Stack, recorded, name: str
) -> None:
    analyzed = recorded[name]
    assert analyzed.moderation is not None
    assert not analyzed.moderation.flagged
    document = json.loads(ministack.object(analyzed.document)["Body"].read())
    assert document["answers"].keys() == set(Detection)
    assert document["models"].keys() == set(Detection) - {
        Detection.FACES
    }  # its answers name no model
