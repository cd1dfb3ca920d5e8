"""DetectFaces with the real models and boto3's client."""

import io

import pytest
from PIL import Image

DEFAULT = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
SUPPORTED = {"AgeRange", "Gender", "Emotions", "Smile", "MouthOpen"}


def faces(client, photo, *attributes):
    parameters = {"Attributes": list(attributes)} if attributes else {}
    return client.detect_faces(Image={"Bytes": photo}, **parameters)["FaceDetails"]


def middle(box):
    return box["Left"] + box["Width"] / 2, box["Top"] + box["Height"] / 2


def test_the_astronauts_face_is_detected_at_its_place(client, astronaut):
    (face,) = faces(client, astronaut)

    assert middle(face["BoundingBox"]) == pytest.approx((0.44, 0.23), abs=0.04)
    assert face["Confidence"] > 80
    assert abs(face["Pose"]["Yaw"]) < 15


def test_a_face_has_five_landmarks_by_default(client, astronaut):
    (face,) = faces(client, astronaut)

    positions = {mark["Type"]: (mark["X"], mark["Y"]) for mark in face["Landmarks"]}
    assert positions.keys() == {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
    assert positions["eyeLeft"][0] < positions["nose"][0] < positions["eyeRight"][0]
    assert positions["eyeLeft"][1] < positions["nose"][1] < positions["mouthLeft"][1]


def test_all_adds_the_supported_attributes_only(client, astronaut):
    (face,) = faces(client, astronaut, "ALL")

    assert face.keys() == DEFAULT | SUPPORTED
    assert face["Gender"]["Value"] == "Female"
    assert face["AgeRange"]["Low"] <= 36 <= face["AgeRange"]["High"]
    assert face["Emotions"][0]["Type"] == "HAPPY"
    assert face["Smile"]["Value"] is True


def test_all_adds_the_landmarks_of_the_mesh(client, astronaut):
    (face,) = faces(client, astronaut, "ALL")

    positions = {mark["Type"]: (mark["X"], mark["Y"]) for mark in face["Landmarks"]}
    assert len(positions) == 28  # Rekognition's thirty without the pupils
    assert positions["leftEyeLeft"][0] < positions["eyeLeft"][0] < positions["leftEyeRight"][0]
    assert positions["mouthUp"][1] < positions["mouthDown"][1] < positions["chinBottom"][1]


@pytest.mark.parametrize(
    ("names", "added"),
    [
        (["DEFAULT"], set()),
        ([], set()),
        (["GENDER"], {"Gender"}),
        (["DEFAULT", "AGE_RANGE", "SMILE"], {"AgeRange", "Smile"}),
        (["MOUTH_OPEN", "EMOTIONS"], {"MouthOpen", "Emotions"}),
        (["BEARD", "EYEGLASSES", "EYES_OPEN", "FACE_OCCLUDED"], set()),
        (["ALL", "DEFAULT"], SUPPORTED),
    ],
)
def test_supported_attributes_are_added_to_the_default_ones(client, astronaut, names, added):
    response = client.detect_faces(Image={"Bytes": astronaut}, Attributes=names)

    (face,) = response["FaceDetails"]
    assert face.keys() == DEFAULT | added


def test_an_unknown_attribute_is_refused(client, astronaut):
    with pytest.raises(client.exceptions.InvalidParameterException, match="NOSE"):
        faces(client, astronaut, "NOSE")


def test_emotions_add_up_to_100_and_are_sorted_by_confidence(client, astronaut):
    (face,) = faces(client, astronaut, "EMOTIONS")

    confidences = [emotion["Confidence"] for emotion in face["Emotions"]]
    assert sum(confidences) == pytest.approx(100, abs=0.1)
    assert confidences == sorted(confidences, reverse=True)


def test_faces_are_sorted_by_size(client, two_people):
    boxes = [face["BoundingBox"] for face in faces(client, two_people)]

    areas = [box["Width"] * box["Height"] for box in boxes]
    assert len(boxes) == 2
    assert areas == sorted(areas, reverse=True)


def test_a_cats_face_is_not_detected(client, cat):
    assert faces(client, cat, "ALL") == []


def test_faces_of_a_mirrored_photo_are_mirrored(client, two_people):
    file = io.BytesIO()
    photo = Image.open(io.BytesIO(two_people))
    photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file, "PNG")

    mirrored = {round(1 - middle(f["BoundingBox"])[0], 1) for f in faces(client, file.getvalue())}

    assert mirrored == {round(middle(f["BoundingBox"])[0], 1) for f in faces(client, two_people)}


def test_a_tilted_head_has_a_roll(client, astronaut):
    file = io.BytesIO()
    Image.open(io.BytesIO(astronaut)).rotate(-20).save(file, "PNG")  # clockwise

    (upright,), (tilted,) = faces(client, astronaut), faces(client, file.getvalue())

    assert tilted["Pose"]["Roll"] - upright["Pose"]["Roll"] == pytest.approx(20, abs=8)


def test_a_darkened_photo_has_a_lower_brightness(client, astronaut):
    file = io.BytesIO()
    Image.open(io.BytesIO(astronaut)).point(lambda value: value // 2).save(file, "PNG")

    (bright,), (dark,) = faces(client, astronaut), faces(client, file.getvalue())

    assert dark["Quality"]["Brightness"] < 0.7 * bright["Quality"]["Brightness"]
