"""DetectLabels over the real models, asked by boto3's own client."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageFilter


def labels(answer):
    return {label["Name"]: label for label in answer["Labels"]}


def encoded(size=(100, 100), form="PNG", mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, form, **options)
    return file.getvalue()


def test_the_cat_is_a_cat_and_all_that_a_cat_is(client, cat):
    found = labels(client.detect_labels(Image={"Bytes": cat}, MinConfidence=70))

    assert {"Cat", "Pet", "Mammal", "Animal"} <= found.keys()
    parents = {parent["Name"] for parent in found["Cat"]["Parents"]}
    assert parents == {"Pet", "Mammal", "Animal"}
    assert found["Cat"]["Categories"] == [{"Name": "Animals and Pets"}]


def test_the_cat_has_a_box_that_covers_most_of_its_portrait(client, cat):
    found = labels(client.detect_labels(Image={"Bytes": cat}))

    (instance,) = found["Cat"]["Instances"]
    box = instance["BoundingBox"]
    assert box["Width"] * box["Height"] > 0.6
    assert box["Left"] + box["Width"] <= 1.0001
    assert box["Top"] + box["Height"] <= 1.0001


def test_the_detector_sees_the_cup_and_the_classifier_the_espresso(client, coffee):
    found = labels(client.detect_labels(Image={"Bytes": coffee}))

    assert found["Cup"]["Instances"]
    assert found["Espresso"]["Instances"] == []
    assert found["Espresso"]["Confidence"] > 80


@pytest.mark.parametrize("photo", ["cat", "coffee"])
def test_every_answer_fits_botocores_own_shape(client, fits, request, photo):
    image = {"Bytes": request.getfixturevalue(photo)}

    answer = client.detect_labels(Image=image, MinConfidence=0)

    assert fits("DetectLabels", answer) == []
    assert "ssd-mobilenet-v2" in answer["LabelModelVersion"]
    assert answer["Labels"]


def test_a_picture_of_nothing_has_no_labels(client):
    answer = client.detect_labels(Image={"Bytes": encoded()})

    assert [label for label in answer["Labels"] if label["Instances"]] == []


def test_max_labels_keeps_the_surest(client, coffee):
    everything = client.detect_labels(Image={"Bytes": coffee})["Labels"]

    two = client.detect_labels(Image={"Bytes": coffee}, MaxLabels=2)["Labels"]

    assert two == everything[:2]
    assert len(everything) > 2


def test_min_confidence_drops_the_unsure_labels_and_instances(client, coffee):
    answer = client.detect_labels(Image={"Bytes": coffee}, MinConfidence=90)
    fewer = [label["Confidence"] for label in answer["Labels"]]

    more = client.detect_labels(Image={"Bytes": coffee}, MinConfidence=40)["Labels"]

    assert fewer
    assert min(fewer) >= 90
    assert len(more) > len(fewer)


def test_without_min_confidence_it_is_55(client, coffee):
    default = client.detect_labels(Image={"Bytes": coffee})

    assert (
        default["Labels"]
        == client.detect_labels(Image={"Bytes": coffee}, MinConfidence=55)["Labels"]
    )


def ask(client, photo, **settings):
    return labels(
        client.detect_labels(Image={"Bytes": photo}, Settings={"GeneralLabels": settings})
    )


def test_only_the_labels_that_are_included_are_said(client, coffee):
    assert ask(client, coffee, LabelInclusionFilters=["Espresso", "Cat"]).keys() == {"Espresso"}


def test_only_labels_of_the_included_categories_are_said(client, coffee):
    found = ask(client, coffee, LabelCategoryInclusionFilters=["Food and Beverage"])

    assert found.keys() == {"Espresso", "Coffee", "Beverage"}


def test_what_is_excluded_is_not_said_though_it_is_included_too(client, coffee):
    found = ask(
        client,
        coffee,
        LabelCategoryInclusionFilters=["Food and Beverage", "Kitchen and Dining"],
        LabelExclusionFilters=["Espresso"],
        LabelCategoryExclusionFilters=["Kitchen and Dining"],
    )

    assert found.keys() == {"Coffee", "Beverage"}


def half_red_half_white():
    picture = Image.new("RGB", (200, 100), "white")
    picture.paste("red", (0, 0, 100, 100))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_pictures_colours_are_told_by_their_share(client):
    answer = client.detect_labels(
        Image={"Bytes": half_red_half_white()}, Features=["IMAGE_PROPERTIES"]
    )

    red, white = sorted(answer["ImageProperties"]["DominantColors"], key=lambda c: c["CSSColor"])
    assert (red["CSSColor"], red["HexCode"], red["PixelPercent"]) == ("red", "#ff0000", 50)
    assert (white["CSSColor"], white["Red"], white["Blue"]) == ("white", 255, 255)
    assert answer["Labels"] == []


def test_no_more_colours_are_told_than_are_asked_for(client, coffee):
    def colours(settings):
        answer = client.detect_labels(
            Image={"Bytes": coffee},
            Features=["IMAGE_PROPERTIES"],
            Settings={"ImageProperties": settings},
        )
        return answer["ImageProperties"]["DominantColors"]

    assert [len(colours({"MaxDominantColors": most})) for most in (0, 1, 3)] == [0, 1, 3]
    assert len(colours({})) == 10


def test_labels_and_properties_come_together_where_both_are_asked(client, fits, cat):
    features = ["GENERAL_LABELS", "IMAGE_PROPERTIES"]

    answer = client.detect_labels(Image={"Bytes": cat}, Features=features)

    assert fits("DetectLabels", answer) == []
    assert "Cat" in labels(answer)
    assert answer["ImageProperties"]["Quality"]["Brightness"] > 0


def test_a_blurred_photo_is_told_to_be_less_sharp(client, cat):
    def quality(photo):
        answer = client.detect_labels(Image={"Bytes": photo}, Features=["IMAGE_PROPERTIES"])
        return answer["ImageProperties"]["Quality"]

    file = io.BytesIO()
    Image.open(io.BytesIO(cat)).filter(ImageFilter.GaussianBlur(4)).save(file, "JPEG")
    assert quality(file.getvalue())["Sharpness"] < quality(cat)["Sharpness"] / 2


def test_the_exif_of_a_png_turns_nothing(client, cat):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    file = io.BytesIO()
    Image.open(io.BytesIO(cat)).save(file, "PNG", exif=exif)

    (seen,) = labels(client.detect_labels(Image={"Bytes": file.getvalue()}))["Cat"]["Instances"]

    (expected,) = labels(client.detect_labels(Image={"Bytes": cat}))["Cat"]["Instances"]
    for side, value in expected["BoundingBox"].items():
        assert seen["BoundingBox"][side] == pytest.approx(value, abs=0.03)


def test_a_photo_lying_on_its_side_is_seen_upright(client, cat):
    upright = Image.open(io.BytesIO(cat))
    lying, exif = upright.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    file = io.BytesIO()
    lying.save(file, "JPEG", quality=92, exif=exif)

    (seen,) = labels(client.detect_labels(Image={"Bytes": file.getvalue()}))["Cat"]["Instances"]

    (expected,) = labels(client.detect_labels(Image={"Bytes": cat}))["Cat"]["Instances"]
    for side, value in expected["BoundingBox"].items():
        assert seen["BoundingBox"][side] == pytest.approx(value, abs=0.03)


def test_eight_callers_at_once_each_get_the_answer_to_their_own_photo(client, cat, coffee):
    photos = [cat, coffee] * 8
    alone = {photo: client.detect_labels(Image={"Bytes": photo})["Labels"] for photo in photos[:2]}

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda p: client.detect_labels(Image={"Bytes": p}), photos))

    for photo, answer in zip(photos, answers, strict=True):
        assert answer["Labels"] == alone[photo]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "InvalidImageFormatException"),
        (b"not a picture at all", "InvalidImageFormatException"),
        (encoded(form="GIF"), "InvalidImageFormatException"),
        (encoded(form="WEBP"), "InvalidImageFormatException"),
        (encoded((300, 300), "JPEG")[:400], "InvalidImageFormatException"),
        (b"\x89PNG" + b"\0" * (5 * 1024 * 1024), "ImageTooLargeException"),
        (b"\x89PNG" + b"\0" * (9 * 1024 * 1024), "ImageTooLargeException"),
        (encoded((10_001, 80), mode="L"), "ImageTooLargeException"),
        (encoded((20_000, 20_000), mode="1"), "ImageTooLargeException"),
        (encoded((79, 80)), "InvalidParameterException"),
    ],
)
def test_what_rekognition_would_not_take_is_refused_by_its_own_code(client, image, code):
    with pytest.raises(getattr(client.exceptions, code)):
        client.detect_labels(Image={"Bytes": image})


@pytest.mark.parametrize(
    "parameters",
    [
        {"MinConfidence": 100.5},
        {"Features": ["CUSTOM_LABELS"]},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["A"] * 101}}},
        {"Settings": {"ImageProperties": {"MaxDominantColors": 21}}},
        {"Image": {}},
        {"Image": {"Bytes": b"x", "S3Object": {"Bucket": "bucket", "Name": "key"}}},
        {"Image": {"S3Object": {"Bucket": "bucket"}}},
    ],
)
def test_parameters_that_cannot_be_followed_are_refused(client, cat, parameters):
    request = {"Image": {"Bytes": cat}} | parameters

    with pytest.raises(client.exceptions.InvalidParameterException):
        client.detect_labels(**request)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "1"])
def test_every_kind_of_png_is_read(client, mode):
    answer = client.detect_labels(Image={"Bytes": encoded((120, 90), mode=mode)})

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_cmyk_jpeg_is_read(client):
    answer = client.detect_labels(Image={"Bytes": encoded((120, 90), "JPEG", "CMYK")})

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
