"""Behaviour of all operations: response shapes, errors, concurrent requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest

OPERATIONS = ["detect_labels", "detect_faces", "detect_text", "detect_moderation_labels"]
NAMES = {
    "detect_labels": "DetectLabels",
    "detect_faces": "DetectFaces",
    "detect_text": "DetectText",
    "detect_moderation_labels": "DetectModerationLabels",
}
PARAMETERS = {
    "detect_labels": {"MinConfidence": 0, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]},
    "detect_faces": {"Attributes": ["ALL"]},
    "detect_text": {"Filters": {"WordFilter": {"MinConfidence": 0}}},
    "detect_moderation_labels": {"MinConfidence": 0},
}


def call(client, operation, photo):
    response = getattr(client, operation)(Image={"Bytes": photo}, **PARAMETERS[operation])
    return {name: value for name, value in response.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("photo", ["cat", "two_people", "note"])
def test_every_response_has_the_shape_that_botocore_defines(
    client, shape_errors, request, operation, photo
):
    response = call(client, operation, request.getfixturevalue(photo))

    assert shape_errors(NAMES[operation], response) == []
    assert response


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"not a picture at all", "InvalidImageFormatException"),
        (b"\x89PNG" + b"\0" * (5 * 1024 * 1024), "ImageTooLargeException"),
    ],
)
def test_every_operation_refuses_invalid_images(client, operation, image, code):
    with pytest.raises(getattr(client.exceptions, code)):
        getattr(client, operation)(Image={"Bytes": image})


def test_concurrent_clients_get_the_response_to_their_own_request(client, cat, two_people, note):
    requests = [(operation, photo) for photo in (cat, two_people, note) for operation in OPERATIONS]
    sequential = [call(client, *arguments) for arguments in requests]

    with ThreadPoolExecutor(8) as clients:
        concurrent = list(clients.map(lambda arguments: call(client, *arguments), requests))

    assert concurrent == sequential
