"""DetectText over the real models, asked by boto3's own client."""

import pytest


def detect(client, photo, **filters):
    asked = {"Filters": filters} if filters else {}
    return client.detect_text(Image={"Bytes": photo}, **asked)["TextDetections"]


def said(detections, kind):
    return [text["DetectedText"] for text in detections if text["Type"] == kind]


def test_a_note_is_read_line_by_line_and_word_by_word(client, note, note_lines):
    found = detect(client, note)

    assert said(found, "LINE") == note_lines
    assert said(found, "WORD") == " ".join(note_lines).split()


def test_ids_count_through_and_words_name_their_line(client, note):
    found = detect(client, note)

    assert [text["Id"] for text in found] == list(range(len(found)))
    for text in found:
        if text["Type"] == "WORD":
            assert text["DetectedText"] in found[text["ParentId"]]["DetectedText"].split()
        else:
            assert "ParentId" not in text


def test_words_lie_side_by_side_in_their_line(client, note):
    found = detect(client, note)

    first = [text["Geometry"] for text in found if text.get("ParentId") == 0]
    starts = [geometry["BoundingBox"]["Left"] for geometry in first]
    ends = [geometry["Polygon"][1]["X"] for geometry in first]
    assert starts == sorted(starts)
    assert all(end <= start + 0.01 for end, start in zip(ends, starts[1:], strict=False))


def test_a_cat_says_nothing(client, cat):
    assert detect(client, cat) == []


def test_only_words_of_the_least_size_are_kept_and_only_lines_with_one(client, note):
    wide = detect(client, note, WordFilter={"MinBoundingBoxWidth": 0.25})

    assert said(wide, "WORD") == ["orders@example.com"]
    assert said(wide, "LINE") == ["questions? Write to orders@example.com"]


def test_no_word_is_as_high_as_half_the_page(client, note):
    assert detect(client, note, WordFilter={"MinBoundingBoxHeight": 0.9}) == []


def test_without_a_filter_words_are_as_sure_as_rekognitions_default(client, note):
    every = detect(client, note, WordFilter={"MinConfidence": 0})

    assert min(text["Confidence"] for text in detect(client, note)) >= 80
    assert len(every) >= len(detect(client, note))


TOP = {"BoundingBox": {"Left": 0, "Top": 0, "Width": 1, "Height": 0.3}}
BOTTOM = {"Polygon": [{"X": 0, "Y": 1}, {"X": 0, "Y": 0.62}, {"X": 1, "Y": 0.62}, {"X": 1, "Y": 1}]}


def test_words_are_kept_that_lie_in_one_of_the_regions(client, note, note_lines):
    found = detect(client, note, RegionsOfInterest=[TOP, BOTTOM])

    assert said(found, "LINE") == [note_lines[0], note_lines[-1]]


@pytest.mark.parametrize("region", [{}, {"Polygon": [{"X": 0, "Y": 0}, {"X": 1, "Y": 1}]}])
def test_a_region_that_encloses_nothing_is_refused(client, note, region):
    with pytest.raises(client.exceptions.InvalidParameterException, match="RegionsOfInterest"):
        detect(client, note, RegionsOfInterest=[region])


def test_more_than_ten_regions_are_refused(client, note):
    with pytest.raises(client.exceptions.InvalidParameterException):
        detect(client, note, RegionsOfInterest=[TOP] * 11)
