"""Bedrock's InvokeModel: its protocol, and embeddings of real photos."""

import base64
import http.client
import json
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image, ImageOps

from infra.rekognition.efficientnet import FEATURES
from infra.rekognition.faults import FaultPlan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.operations import build_services, replaying_services
from infra.rekognition.sources import Sources
from infra.rekognition.titan_embed_image import MAX_SIDE, MODEL_ID, embedding
from services.resize.logic import ANALYSIS
from tests.unit.rekognition.conftest import connect, serving

ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL_ID}"
LENGTHS = (256, 384, 1024)


def request_body(photo, length=256):
    config = {"outputEmbeddingLength": length}
    return {"inputImage": base64.b64encode(photo).decode(), "embeddingConfig": config}


def invoke(bedrock, body, model=MODEL_ID):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return json.loads(bedrock.invoke_model(modelId=model, body=content)["body"].read())


def embed(bedrock, photo, length=256):
    return np.array(invoke(bedrock, request_body(photo, length))["embedding"])


def error_of(bedrock, body, **more):
    """The code, status and message of the error response."""
    with pytest.raises(bedrock.exceptions.ClientError) as caught:
        invoke(bedrock, body, **more)
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], metadata["HTTPStatusCode"], error["Message"]


def encoded(image, kind="JPEG"):
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.fixture
def echo():
    """A client of a Bedrock whose model returns the requested length. It needs no weights."""

    def handle(parameters):
        return {"length": parameters["Length"]}

    with serving(build_services({MODEL_ID: handle})) as url:
        yield connect(url, "bedrock-runtime")


@pytest.mark.parametrize("length", LENGTHS)
def test_an_embedding_has_the_requested_length_and_norm_1(bedrock, cat, length):
    response = invoke(bedrock, request_body(cat, length))

    assert response.keys() == {"embedding", "inputTextTokenCount", "message"}
    assert len(response["embedding"]) == length
    assert np.linalg.norm(response["embedding"]) == pytest.approx(1, abs=1e-5)


def test_a_photo_always_has_the_same_embedding(bedrock, cat):
    assert embed(bedrock, cat).tolist() == embed(bedrock, cat).tolist()


def test_a_photo_is_similar_to_its_mirror_image_and_its_middle_but_not_to_another(
    bedrock, cat, coffee
):
    photo = Image.open(BytesIO(cat))
    width, height = photo.size
    middle = photo.crop((width // 10, height // 10, width * 9 // 10, height * 9 // 10))
    vector = embed(bedrock, cat)

    for similar in (ImageOps.mirror(photo), middle):
        assert vector @ embed(bedrock, encoded(similar)) > 0.75
    assert vector @ embed(bedrock, coffee) < 0.5


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.9])
def test_an_embedding_preserves_the_angles_of_the_features(length, cosine):
    first, second = np.linalg.qr(np.random.default_rng(1).normal(size=(FEATURES, 2)))[0].T
    second = cosine * first + np.sqrt(1 - cosine**2) * second

    projected = embedding(first, length) @ embedding(second, length)

    assert projected == pytest.approx(cosine, abs=4 * (1 - cosine**2) / np.sqrt(length))


def test_features_of_zeros_have_an_embedding_of_zeros():
    assert not embedding(np.zeros(FEATURES, np.float32), 256).any()


def test_transparent_pixels_are_white(bedrock):
    clear, white = (Image.new(mode, (90, 60), "white") for mode in ("RGBA", "RGB"))
    clear.putalpha(0)
    assert embed(bedrock, encoded(clear, "PNG")) @ embed(bedrock, encoded(white)) > 0.99


def test_a_picture_of_one_pixel_has_an_embedding(bedrock):
    assert len(embed(bedrock, encoded(Image.new("L", (1, 1))))) == 256


def test_the_default_length_is_1024(echo, cat):
    assert invoke(echo, {"inputImage": request_body(cat)["inputImage"]}) == {"length": 1024}


def test_a_model_may_be_named_by_its_arn(echo, cat):
    assert invoke(echo, request_body(cat), model=ARN) == {"length": 256}


@pytest.mark.parametrize("model", ["amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v2"])
def test_an_unknown_model_is_not_found_and_the_error_names_the_supported_one(echo, cat, model):
    code, status, message = error_of(echo, request_body(cat), model=model)

    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message.endswith(f"it has {MODEL_ID}")


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
def test_an_invalid_field_is_refused_by_name(echo, cat, change, about):
    code, status, message = error_of(echo, request_body(cat) | change)

    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("Malformed input request: ")
    assert about in message


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "7", b"\xff"])
def test_a_body_that_is_not_a_json_object_is_refused(echo, body):
    assert error_of(echo, body)[:2] == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("photo", "about"),
    [
        (b"no picture", "neither JPEG nor PNG"),
        (encoded(Image.new("L", (90, 60)), "GIF"), "neither JPEG nor PNG"),
        (encoded(Image.new("L", (90, 60)))[:300], "damaged"),
        (encoded(Image.new("L", (2049, 60))), "a side may have at most 2048"),
    ],
)
def test_an_invalid_picture_is_refused(bedrock, photo, about):
    code, status, message = error_of(bedrock, request_body(photo))

    assert (code, status) == ("ValidationException", 400)
    assert about in message


def test_a_body_that_is_too_long_is_a_validation_exception(echo):
    assert error_of(echo, " " * (8 * 1024 * 1024))[:2] == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("plan", "code", "status"),
    [
        (FaultPlan(throttle=1), "ThrottlingException", 429),
        (FaultPlan(fail=1), "InternalServerException", 500),
    ],
)
def test_injected_faults_are_bedrocks_errors(cat, plan, code, status):
    with serving(build_services({MODEL_ID: lambda _: {}}, plan)) as url:
        assert error_of(connect(url, "bedrock-runtime"), request_body(cat))[:2] == (code, status)


def test_a_bug_is_an_internal_server_exception_and_is_logged(cat, caplog):
    def broken(parameters):
        raise ZeroDivisionError

    with serving(build_services({MODEL_ID: broken})) as url:
        assert (
            error_of(connect(url, "bedrock-runtime"), request_body(cat))[0]
            == "InternalServerException"
        )

    assert "ZeroDivisionError" in caplog.text


def test_a_recorded_response_is_replayed_and_another_photo_is_refused(tmp_path, cat, coffee):
    fixtures, response = Fixtures(tmp_path, Sources()), {"embedding": [1.0]}
    fixtures.recording(MODEL_ID, lambda _: response)({"Image": {"Bytes": cat}})

    with serving(replaying_services(fixtures, FaultPlan())) as url:
        bedrock = connect(url, "bedrock-runtime")
        assert invoke(bedrock, request_body(cat)) == response
        assert error_of(bedrock, request_body(coffee))[0] == "ValidationException"


@pytest.fixture
def post(echo):
    """A function that sends a raw request, because boto3 would send and sign it correctly."""
    connection = http.client.HTTPConnection(urlsplit(echo.meta.endpoint_url).netloc, timeout=60)

    def post(path, authorization=""):
        connection.request("POST", path, b"{}", {"Authorization": authorization})
        response = connection.getresponse()
        return response.status, response.getheader("x-amzn-ErrorType"), response.read()

    yield post
    connection.close()


@pytest.mark.parametrize("service", ["", "rekognition"])
def test_a_request_that_is_not_signed_for_bedrock_is_not_recognized(post, service):
    signed = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request"
    assert post(f"/model/{MODEL_ID}/invoke", signed)[:2] == (403, "UnrecognizedClientException")


def test_other_operations_are_unknown(post):
    assert post(f"/model/{MODEL_ID}/converse")[:2] == (404, "UnknownOperationException")


def test_the_pipelines_analysis_picture_is_within_the_models_limits():
    assert ANALYSIS.side <= MAX_SIDE
