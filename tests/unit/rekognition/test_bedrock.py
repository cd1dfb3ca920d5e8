"""Bedrock's InvokeModel: the wire, and what the one model says of real photos."""

import base64
import http.client
import json
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image, ImageOps

from infra.rekognition.efficientnet import FEATURES
from infra.rekognition.faults import Plan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.operations import offering, replaying
from infra.rekognition.sources import Sources
from infra.rekognition.titan_embed_image import MAX_SIDE, MODEL_ID, embedding
from services.resize.logic import ANALYSIS
from tests.unit.rekognition.conftest import connect, serving

ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL_ID}"
LENGTHS = (256, 384, 1024)


def asked(photo, length=256):
    config = {"outputEmbeddingLength": length}
    return {"inputImage": base64.b64encode(photo).decode(), "embeddingConfig": config}


def invoke(bedrock, body, model=MODEL_ID):
    said = body if isinstance(body, bytes | str) else json.dumps(body)
    return json.loads(bedrock.invoke_model(modelId=model, body=said)["body"].read())


def embed(bedrock, photo, length=256):
    return np.array(invoke(bedrock, asked(photo, length))["embedding"])


def refused(bedrock, body, **more):
    """The error's code, status and message."""
    with pytest.raises(bedrock.exceptions.ClientError) as caught:
        invoke(bedrock, body, **more)
    error, answer = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], answer["HTTPStatusCode"], error["Message"]


def encoded(image, kind="JPEG"):
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.fixture
def echo():
    """A Bedrock whose model says how long an embedding it was asked for: no network is needed."""
    with serving(offering({MODEL_ID: lambda asked: {"length": asked["Length"]}})) as url:
        yield connect(url, "bedrock-runtime")


@pytest.mark.parametrize("length", LENGTHS)
def test_an_embedding_has_the_length_asked_for_and_is_1_long(bedrock, cat, length):
    answer = invoke(bedrock, asked(cat, length))

    assert answer.keys() == {"embedding", "inputTextTokenCount", "message"}
    assert len(answer["embedding"]) == length
    assert np.linalg.norm(answer["embedding"]) == pytest.approx(1, abs=1e-5)


def test_the_same_photo_has_the_same_embedding_every_time(bedrock, cat):
    assert embed(bedrock, cat).tolist() == embed(bedrock, cat).tolist()


def test_a_picture_is_like_its_mirror_image_and_its_middle_and_unlike_another(bedrock, cat, coffee):
    photo = Image.open(BytesIO(cat))
    width, height = photo.size
    middle = photo.crop((width // 10, height // 10, width * 9 // 10, height * 9 // 10))
    found = embed(bedrock, cat)

    for alike in (ImageOps.mirror(photo), middle):
        assert found @ embed(bedrock, encoded(alike)) > 0.75
    assert found @ embed(bedrock, coffee) < 0.5


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.9])
def test_an_embedding_keeps_the_angles_of_what_the_network_saw(length, cosine):
    one, other = np.linalg.qr(np.random.default_rng(1).normal(size=(FEATURES, 2)))[0].T
    other = cosine * one + np.sqrt(1 - cosine**2) * other

    kept = embedding(one, length) @ embedding(other, length)

    assert kept == pytest.approx(cosine, abs=4 * (1 - cosine**2) / np.sqrt(length))


def test_what_the_network_sees_nothing_in_has_an_embedding_of_zeros():
    assert not embedding(np.zeros(FEATURES, np.float32), 256).any()


def test_what_is_transparent_lies_on_white(bedrock):
    clear, white = (Image.new(mode, (90, 60), "white") for mode in ("RGBA", "RGB"))
    clear.putalpha(0)
    assert embed(bedrock, encoded(clear, "PNG")) @ embed(bedrock, encoded(white)) > 0.99


def test_a_picture_of_one_pixel_has_an_embedding_too(bedrock):
    assert len(embed(bedrock, encoded(Image.new("L", (1, 1))))) == 256


def test_without_a_length_there_are_1024(echo, cat):
    assert invoke(echo, {"inputImage": asked(cat)["inputImage"]}) == {"length": 1024}


def test_a_model_may_be_named_by_its_arn(echo, cat):
    assert invoke(echo, asked(cat), model=ARN) == {"length": 256}


@pytest.mark.parametrize("model", ["amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v2"])
def test_another_model_is_not_found_and_told_which_there_is(echo, cat, model):
    code, status, message = refused(echo, asked(cat), model=model)

    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message.endswith(f"but {MODEL_ID}")


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"inputImage": None}, "base64"),
        ({"inputImage": "not base64!"}, "base64"),
        ({"inputImage": "é"}, "base64"),
        ({"inputText": "a cat"}, "pictures only"),
        ({"embeddingConfig": {"outputEmbeddingLength": 255}}, "outputEmbeddingLength"),
        ({"embeddingConfig": {"outputEmbeddingLength": "256"}}, "outputEmbeddingLength"),
        ({"embeddingConfig": {"outputEmbeddingLength": True}}, "outputEmbeddingLength"),
        ({"embeddingConfig": {"length": 256}}, "outputEmbeddingLength"),
        ({"embeddingConfig": 256}, "outputEmbeddingLength"),
        ({"inputVideo": ""}, "inputVideo"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(echo, cat, change, about):
    code, status, message = refused(echo, asked(cat) | change)

    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("Malformed input request: ")
    assert about in message


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "7", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(echo, body):
    assert refused(echo, body)[:2] == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("photo", "about"),
    [
        (b"no picture", "neither JPEG nor PNG"),
        (encoded(Image.new("L", (90, 60)), "GIF"), "neither JPEG nor PNG"),
        (encoded(Image.new("L", (90, 60)))[:300], "damaged"),
        (encoded(Image.new("L", (2049, 60))), "a side may have 2048"),
    ],
)
def test_what_is_no_picture_for_the_model_is_refused(bedrock, photo, about):
    code, status, message = refused(bedrock, asked(photo))

    assert (code, status) == ("ValidationException", 400)
    assert about in message


def test_a_body_far_too_long_is_refused_in_bedrocks_words(echo):
    assert refused(echo, " " * (8 * 1024 * 1024))[:2] == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("plan", "code", "status"),
    [
        (Plan(throttle=1), "ThrottlingException", 429),
        (Plan(fail=1), "InternalServerException", 500),
    ],
)
def test_faults_strike_as_bedrocks_own(cat, plan, code, status):
    with serving(offering({MODEL_ID: lambda _: {}}, plan)) as url:
        assert refused(connect(url, "bedrock-runtime"), asked(cat))[:2] == (code, status)


def test_a_fault_of_ours_is_an_internal_server_exception_and_in_the_log(cat, caplog):
    def broken(parameters):
        raise ZeroDivisionError

    with serving(offering({MODEL_ID: broken})) as url:
        assert refused(connect(url, "bedrock-runtime"), asked(cat))[0] == "InternalServerException"

    assert "ZeroDivisionError" in caplog.text


def test_what_was_recorded_is_answered_again_and_another_photo_refused(tmp_path, cat, coffee):
    fixtures, answer = Fixtures(tmp_path, Sources()), {"embedding": [1.0]}
    fixtures.recording(MODEL_ID, lambda _: answer)({"Image": {"Bytes": cat}})

    with serving(replaying(fixtures, Plan())) as url:
        bedrock = connect(url, "bedrock-runtime")
        assert invoke(bedrock, asked(cat)) == answer
        assert refused(bedrock, asked(coffee))[0] == "ValidationException"


@pytest.fixture
def post(echo):
    """A request past boto3, which asks and signs rightly."""
    line = http.client.HTTPConnection(urlsplit(echo.meta.endpoint_url).netloc, timeout=60)

    def post(path, authorization=""):
        line.request("POST", path, b"{}", {"Authorization": authorization})
        response = line.getresponse()
        return response.status, response.getheader("x-amzn-ErrorType"), response.read()

    yield post
    line.close()


@pytest.mark.parametrize("service", ["", "rekognition"])
def test_a_request_that_is_not_signed_for_bedrock_is_not_recognized(post, service):
    signed = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request"
    assert post(f"/model/{MODEL_ID}/invoke", signed)[:2] == (403, "UnrecognizedClientException")


def test_other_operations_are_unknown(post):
    assert post(f"/model/{MODEL_ID}/converse")[:2] == (404, "UnknownOperationException")


def test_the_picture_made_for_the_analysis_is_within_the_models_limits():
    assert ANALYSIS.side <= MAX_SIDE
