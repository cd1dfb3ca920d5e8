"""DetectLabels with the real models and boto3's client."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageFilter


def labels(response):
    return {label["Name"]: label for label in response["Labels"]}


def encoded(size=(100, 100), form="PNG", mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, form, **options)
    return file.getvalue()


def test_a_cat_has_its_label_and_its_parents(client, cat):
    labels_by_name = labels(client.detect_labels(Image={"Bytes": cat}, MinConfidence=70))

    assert {"Cat", "Pet", "Mammal", "Animal"} <= labels_by_name.keys()
    parents = {parent["Name"] for parent in labels_by_name["Cat"]["Parents"]}
    assert parents == {"Pet", "Mammal", "Animal"}
    assert labels_by_name["Cat"]["Categories"] == [{"Name": "Animals and Pets"}]


def test_the_cats_box_covers_most_of_its_portrait(client, cat):
    labels_by_name = labels(client.detect_labels(Image={"Bytes": cat}))

    (instance,) = labels_by_name["Cat"]["Instances"]
    box = instance["BoundingBox"]
    assert box["Width"] * box["Height"] > 0.6
    assert box["Left"] + box["Width"] <= 1.0001
    assert box["Top"] + box["Height"] <= 1.0001


def test_labels_come_from_the_detector_and_from_the_classifier(client, coffee):
    labels_by_name = labels(client.detect_labels(Image={"Bytes": coffee}))

    assert labels_by_name["Cup"]["Instances"]
    assert labels_by_name["Espresso"]["Instances"] == []
    assert labels_by_name["Espresso"]["Confidence"] > 80


@pytest.mark.parametrize("photo", ["cat", "coffee"])
def test_every_response_has_the_shape_that_botocore_defines(client, shape_errors, request, photo):
    image = {"Bytes": request.getfixturevalue(photo)}

    response = client.detect_labels(Image=image, MinConfidence=0)

    assert shape_errors("DetectLabels", response) == []
    assert "ssd-mobilenet-v2" in response["LabelModelVersion"]
    assert response["Labels"]


def test_a_blank_picture_has_no_instances(client):
    response = client.detect_labels(Image={"Bytes": encoded()})

    assert [label for label in response["Labels"] if label["Instances"]] == []


def test_max_labels_selects_the_labels_of_highest_confidence(client, coffee):
    unlimited = client.detect_labels(Image={"Bytes": coffee})["Labels"]

    limited = client.detect_labels(Image={"Bytes": coffee}, MaxLabels=2)["Labels"]

    assert limited == unlimited[:2]
    assert len(unlimited) > 2


def test_min_confidence_excludes_labels_of_lower_confidence(client, coffee):
    response = client.detect_labels(Image={"Bytes": coffee}, MinConfidence=90)
    fewer = [label["Confidence"] for label in response["Labels"]]

    more = client.detect_labels(Image={"Bytes": coffee}, MinConfidence=40)["Labels"]

    assert fewer
    assert min(fewer) >= 90
    assert len(more) > len(fewer)


def test_the_default_min_confidence_is_55(client, coffee):
    default = client.detect_labels(Image={"Bytes": coffee})

    assert (
        default["Labels"]
        == client.detect_labels(Image={"Bytes": coffee}, MinConfidence=55)["Labels"]
    )


def filtered(client, photo, **settings):
    return labels(
        client.detect_labels(Image={"Bytes": photo}, Settings={"GeneralLabels": settings})
    )


def test_only_included_labels_are_returned(client, coffee):
    assert filtered(client, coffee, LabelInclusionFilters=["Espresso", "Cat"]).keys() == {
        "Espresso"
    }


def test_only_labels_of_included_categories_are_returned(client, coffee):
    labels_by_name = filtered(client, coffee, LabelCategoryInclusionFilters=["Food and Beverage"])

    assert labels_by_name.keys() == {"Espresso", "Coffee", "Beverage"}


def test_exclusion_overrides_inclusion(client, coffee):
    labels_by_name = filtered(
        client,
        coffee,
        LabelCategoryInclusionFilters=["Food and Beverage", "Kitchen and Dining"],
        LabelExclusionFilters=["Espresso"],
        LabelCategoryExclusionFilters=["Kitchen and Dining"],
    )

    assert labels_by_name.keys() == {"Coffee", "Beverage"}


def half_red_half_white():
    picture = Image.new("RGB", (200, 100), "white")
    picture.paste("red", (0, 0, 100, 100))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_dominant_colours_have_their_share(client):
    response = client.detect_labels(
        Image={"Bytes": half_red_half_white()}, Features=["IMAGE_PROPERTIES"]
    )

    red, white = sorted(response["ImageProperties"]["DominantColors"], key=lambda c: c["CSSColor"])
    assert (red["CSSColor"], red["HexCode"], red["PixelPercent"]) == ("red", "#ff0000", 50)
    assert (white["CSSColor"], white["Red"], white["Blue"]) == ("white", 255, 255)
    assert response["Labels"] == []


def test_the_number_of_colours_is_limited(client, coffee):
    def colours(settings):
        response = client.detect_labels(
            Image={"Bytes": coffee},
            Features=["IMAGE_PROPERTIES"],
            Settings={"ImageProperties": settings},
        )
        return response["ImageProperties"]["DominantColors"]

    assert [len(colours({"MaxDominantColors": most})) for most in (0, 1, 3)] == [0, 1, 3]
    assert len(colours({})) == 10


def test_labels_and_properties_can_be_requested_together(client, shape_errors, cat):
    features = ["GENERAL_LABELS", "IMAGE_PROPERTIES"]

    response = client.detect_labels(Image={"Bytes": cat}, Features=features)

    assert shape_errors("DetectLabels", response) == []
    assert "Cat" in labels(response)
    assert response["ImageProperties"]["Quality"]["Brightness"] > 0


def test_a_blurred_photo_is_less_sharp(client, cat):
    def quality(photo):
        response = client.detect_labels(Image={"Bytes": photo}, Features=["IMAGE_PROPERTIES"])
        return response["ImageProperties"]["Quality"]

    file = io.BytesIO()
    Image.open(io.BytesIO(cat)).filter(ImageFilter.GaussianBlur(4)).save(file, "JPEG")
    assert quality(file.getvalue())["Sharpness"] < quality(cat)["Sharpness"] / 2


def test_the_exif_of_a_png_is_ignored(client, cat):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees clockwise
    file = io.BytesIO()
    Image.open(io.BytesIO(cat)).save(file, "PNG", exif=exif)

    (instance,) = labels(client.detect_labels(Image={"Bytes": file.getvalue()}))["Cat"]["Instances"]

    (expected,) = labels(client.detect_labels(Image={"Bytes": cat}))["Cat"]["Instances"]
    for side, value in expected["BoundingBox"].items():
        assert instance["BoundingBox"][side] == pytest.approx(value, abs=0.03)


def test_a_jpeg_is_rotated_by_its_exif_orientation(client, cat):
    upright = Image.open(io.BytesIO(cat))
    rotated, exif = upright.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees clockwise
    file = io.BytesIO()
    rotated.save(file, "JPEG", quality=92, exif=exif)

    (instance,) = labels(client.detect_labels(Image={"Bytes": file.getvalue()}))["Cat"]["Instances"]

    (expected,) = labels(client.detect_labels(Image={"Bytes": cat}))["Cat"]["Instances"]
    for side, value in expected["BoundingBox"].items():
        assert instance["BoundingBox"][side] == pytest.approx(value, abs=0.03)


def test_concurrent_clients_get_the_labels_of_their_own_photo(client, cat, coffee):
    photos = [cat, coffee] * 8
    expected_labels = {
        photo: client.detect_labels(Image={"Bytes": photo})["Labels"] for photo in photos[:2]
    }

    with ThreadPoolExecutor(8) as clients:
        responses = list(clients.map(lambda p: client.detect_labels(Image={"Bytes": p}), photos))

    for photo, response in zip(photos, responses, strict=True):
        assert response["Labels"] == expected_labels[photo]


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
def test_invalid_images_are_refused_with_rekognitions_codes(client, image, code):
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
def test_invalid_parameters_are_refused(client, cat, parameters):
    request = {"Image": {"Bytes": cat}} | parameters

    with pytest.raises(client.exceptions.InvalidParameterException):
        client.detect_labels(**request)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "1"])
def test_every_mode_of_png_is_accepted(client, mode):
    response = client.detect_labels(Image={"Bytes": encoded((120, 90), mode=mode)})

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_cmyk_jpeg_is_accepted(client):
    response = client.detect_labels(Image={"Bytes": encoded((120, 90), "JPEG", "CMYK")})

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
