"""DetectText with the real models and boto3's client."""

import pytest


def detect(client, photo, **filters):
    parameters = {"Filters": filters} if filters else {}
    return client.detect_text(Image={"Bytes": photo}, **parameters)["TextDetections"]


def texts(detections, kind):
    return [text["DetectedText"] for text in detections if text["Type"] == kind]


def test_a_note_is_read_line_by_line_and_word_by_word(client, note, note_lines):
    detections = detect(client, note)

    assert texts(detections, "LINE") == note_lines
    assert texts(detections, "WORD") == " ".join(note_lines).split()


def test_ids_are_consecutive_and_words_name_their_line(client, note):
    detections = detect(client, note)

    assert [text["Id"] for text in detections] == list(range(len(detections)))
    for text in detections:
        if text["Type"] == "WORD":
            assert text["DetectedText"] in detections[text["ParentId"]]["DetectedText"].split()
        else:
            assert "ParentId" not in text


def test_words_are_side_by_side_in_their_line(client, note):
    detections = detect(client, note)

    words = [text["Geometry"] for text in detections if text.get("ParentId") == 0]
    starts = [geometry["BoundingBox"]["Left"] for geometry in words]
    ends = [geometry["Polygon"][1]["X"] for geometry in words]
    assert starts == sorted(starts)
    assert all(end <= start + 0.01 for end, start in zip(ends, starts[1:], strict=False))


def test_a_cat_photo_has_no_text(client, cat):
    assert detect(client, cat) == []


def test_narrow_words_and_lines_without_a_wide_word_are_excluded(client, note):
    detections = detect(client, note, WordFilter={"MinBoundingBoxWidth": 0.25})

    assert texts(detections, "WORD") == ["orders@example.com"]
    assert texts(detections, "LINE") == ["questions? Write to orders@example.com"]


def test_low_words_are_excluded(client, note):
    assert detect(client, note, WordFilter={"MinBoundingBoxHeight": 0.9}) == []


def test_the_default_min_confidence_is_rekognitions(client, note):
    unfiltered = detect(client, note, WordFilter={"MinConfidence": 0})

    assert min(text["Confidence"] for text in detect(client, note)) >= 80
    assert len(unfiltered) >= len(detect(client, note))


TOP = {"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 0.3}}
BOTTOM = {"Polygon": [{"X": 0, "Y": 1}, {"X": 0, "Y": 0.62}, {"X": 1, "Y": 0.62}, {"X": 1, "Y": 1}]}


def test_only_words_in_a_region_are_returned(client, note, note_lines):
    detections = detect(client, note, RegionsOfInterest=[TOP, BOTTOM])

    assert texts(detections, "LINE") == [note_lines[0], note_lines[-1]]


@pytest.mark.parametrize("region", [{}, {"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}]}])
def test_a_region_without_area_is_refused(client, note, region):
    with pytest.raises(client.exceptions.InvalidParameterException, match="RegionsOfInterest"):
        detect(client, note, RegionsOfInterest=[region])


def test_more_than_ten_regions_are_refused(client, note):
    with pytest.raises(client.exceptions.InvalidParameterException):
        detect(client, note, RegionsOfInterest=[TOP] * 11)
