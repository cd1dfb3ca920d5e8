"""DetectFaces over the real models, asked by boto3's own client."""

import io

import pytest
from PIL import Image

DEFAULT = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
KNOWN = {"AgeRange", "Gender", "Emotions", "Smile", "MouthOpen"}


def faces(client, photo, *attributes):
    asked = {"Attributes": list(attributes)} if attributes else {}
    return client.detect_faces(Image={"Bytes": photo}, **asked)["FaceDetails"]


def middle(box):
    return box["Left"] + box["Width"] / 2, box["Top"] + box["Height"] / 2


def test_the_astronauts_face_is_where_it_is(client, astronaut):
    (face,) = faces(client, astronaut)

    assert middle(face["BoundingBox"]) == pytest.approx((0.44, 0.23), abs=0.04)
    assert face["Confidence"] > 80
    assert abs(face["Pose"]["Yaw"]) < 15


def test_by_default_a_face_has_five_landmarks_in_its_box(client, astronaut):
    (face,) = faces(client, astronaut)

    places = {mark["Type"]: (mark["X"], mark["Y"]) for mark in face["Landmarks"]}
    assert places.keys() == {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
    assert places["eyeLeft"][0] < places["nose"][0] < places["eyeRight"][0]
    assert places["eyeLeft"][1] < places["nose"][1] < places["mouthLeft"][1]


def test_all_adds_what_the_models_know_and_nothing_else(client, astronaut):
    (face,) = faces(client, astronaut, "ALL")

    assert face.keys() == DEFAULT | KNOWN
    assert face["Gender"]["Value"] == "Female"
    assert face["AgeRange"]["Low"] <= 36 <= face["AgeRange"]["High"]
    assert face["Emotions"][0]["Type"] == "HAPPY"
    assert face["Smile"]["Value"] is True


def test_all_gives_the_landmarks_of_the_mesh_too(client, astronaut):
    (face,) = faces(client, astronaut, "ALL")

    places = {mark["Type"]: (mark["X"], mark["Y"]) for mark in face["Landmarks"]}
    assert len(places) == 28  # Rekognition's thirty but for the pupils
    assert places["leftEyeLeft"][0] < places["eyeLeft"][0] < places["leftEyeRight"][0]
    assert places["mouthUp"][1] < places["mouthDown"][1] < places["chinBottom"][1]


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        (["DEFAULT"], set()),
        ([], set()),
        (["GENDER"], {"Gender"}),
        (["DEFAULT", "AGE_RANGE", "SMILE"], {"AgeRange", "Smile"}),
        (["MOUTH_OPEN", "EMOTIONS"], {"MouthOpen", "Emotions"}),
        (["BEARD", "EYEGLASSES", "EYES_OPEN", "FACE_OCCLUDED"], set()),
        (["ALL", "DEFAULT"], KNOWN),
    ],
)
def test_single_attributes_are_added_to_the_default_where_they_are_known(
    client, astronaut, asked, added
):
    answer = client.detect_faces(Image={"Bytes": astronaut}, Attributes=asked)

    (face,) = answer["FaceDetails"]
    assert face.keys() == DEFAULT | added


def test_an_attribute_that_does_not_exist_is_refused(client, astronaut):
    with pytest.raises(client.exceptions.InvalidParameterException, match="NOSE"):
        faces(client, astronaut, "NOSE")


def test_emotions_add_up_and_the_surest_comes_first(client, astronaut):
    (face,) = faces(client, astronaut, "EMOTIONS")

    sure = [emotion["Confidence"] for emotion in face["Emotions"]]
    assert sum(sure) == pytest.approx(100, abs=0.1)
    assert sure == sorted(sure, reverse=True)


def test_two_people_have_two_faces_the_larger_first(client, two_people):
    found = [face["BoundingBox"] for face in faces(client, two_people)]

    areas = [box["Width"] * box["Height"] for box in found]
    assert len(found) == 2
    assert areas == sorted(areas, reverse=True)


def test_a_cat_has_no_face_that_counts(client, cat):
    assert faces(client, cat, "ALL") == []


def test_a_mirrored_photo_has_the_mirrored_face(client, two_people):
    file = io.BytesIO()
    photo = Image.open(io.BytesIO(two_people))
    photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file, "PNG")

    seen = {round(1 - middle(f["BoundingBox"])[0], 1) for f in faces(client, file.getvalue())}

    assert seen == {round(middle(f["BoundingBox"])[0], 1) for f in faces(client, two_people)}


def test_a_head_that_is_tilted_has_its_roll(client, astronaut):
    file = io.BytesIO()
    Image.open(io.BytesIO(astronaut)).rotate(-20).save(file, "PNG")  # clockwise

    (upright,), (tilted,) = faces(client, astronaut), faces(client, file.getvalue())

    assert tilted["Pose"]["Roll"] - upright["Pose"]["Roll"] == pytest.approx(20, abs=8)


def test_a_darkened_photo_has_a_darker_face(client, astronaut):
    file = io.BytesIO()
    Image.open(io.BytesIO(astronaut)).point(lambda value: value // 2).save(file, "PNG")

    (bright,), (dark,) = faces(client, astronaut), faces(client, file.getvalue())

    assert dark["Quality"]["Brightness"] < 0.7 * bright["Quality"]["Brightness"]
