"""What holds for every operation: the shape of its answers, its errors, and several at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

OPERATIONS = ["detect_labels", "detect_faces", "detect_text", "detect_moderation_labels"]
NAMES = {
    "detect_labels": "DetectLabels",
    "detect_faces": "DetectFaces",
    "detect_text": "DetectText",
    "detect_moderation_labels": "DetectModerationLabels",
}
MOST = {
    "detect_labels": {"MinConfidence": 0, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]},
    "detect_faces": {"Attributes": ["ALL"]},
    "detect_text": {"Filters": {"WordFilter": {"MinConfidence": 0}}},
    "detect_moderation_labels": {"MinConfidence": 0},
}


def ask(client, operation, photo):
    answer = getattr(client, operation)(Image={"Bytes": photo}, **MOST[operation])
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("photo", ["cat", "two_people", "note"])
def test_every_answer_fits_botocores_own_shape(client, fits, request, operation, photo):
    answer = ask(client, operation, request.getfixturevalue(photo))

    assert fits(NAMES[operation], answer) == []
    assert answer


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"not a picture at all", "InvalidImageFormatException"),
        (b"\x89PNG" + b"\0" * (5 * 1024 * 1024), "ImageTooLargeException"),
    ],
)
def test_what_is_no_picture_is_refused_by_every_operation(client, operation, image, code):
    with pytest.raises(getattr(client.exceptions, code)):
        getattr(client, operation)(Image={"Bytes": image})


def test_many_callers_at_once_each_get_the_answer_to_their_own_question(
    client, cat, two_people, note
):
    questions = [
        (operation, photo) for photo in (cat, two_people, note) for operation in OPERATIONS
    ]
    alone = [ask(client, *question) for question in questions]

    with ThreadPoolExecutor(8) as callers:
        together = list(callers.map(lambda question: ask(client, *question), questions))

    assert together == alone
