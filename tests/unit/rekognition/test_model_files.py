"""Model files: the checkpoint readers and the ONNX writer, checked with onnxruntime."""

import json
import pickle

import numpy as np
import onnxruntime
import pytest

from infra.rekognition.onnx_graph import Graph
from infra.rekognition.onnx_inputs import with_input
from infra.rekognition.packages import EFFICIENTNET
from infra.rekognition.tfjs_file import read_tensors as read_tfjs
from infra.rekognition.torch_file import read_tensors


def run(model, values):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0]


def test_onnxruntime_runs_a_written_model():
    graph = Graph()
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    product = graph.node("Gemm", ["x", graph.constant("w", weights)], transB=1, alpha=0.5)
    model = graph.model(("x", (1, 3)), (product, (1, 2)))

    output = run(model, np.array([[1, 2, 3]], np.float32))

    assert output.tolist() == [[4.0, 13.0]]


def test_a_constant_of_more_than_127_elements_has_the_right_length():
    graph = Graph()
    total = graph.node("Add", ["x", graph.constant("c", np.arange(300.0))])

    output = run(graph.model(("x", (300,)), (total, (300,))), np.ones(300, np.float32))

    assert output.tolist() == list(range(1, 301))


@pytest.mark.parametrize(("auto_pad", "side"), [("VALID", 2), ("SAME_UPPER", 3)])
def test_string_and_list_attributes_are_written(auto_pad, side):
    graph = Graph()
    kernel = graph.constant("k", np.ones((1, 1, 3, 3)))
    options = {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": auto_pad}
    product = graph.node("Conv", ["x", kernel], **options)

    output = run(
        graph.model(("x", (1, 1, 5, 5)), (product, (1, 1, side, side))),
        np.ones((1, 1, 5, 5), np.float32),
    )

    assert output.shape == (1, 1, side, side)
    assert output[0, 0, 0, 0] == (9 if auto_pad == "VALID" else 4)


def test_the_checkpoints_tensors_have_names_shapes_and_strides(weights):
    tensors = read_tensors(weights / EFFICIENTNET)

    assert len(tensors) == 296
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    # The first two elements along the last axis; they would differ if the strides were ignored.
    assert tensors["_conv_stem.weight"].ravel()[:2].tolist() == pytest.approx(
        [-1.1103361, -1.3087704]
    )


def test_a_checkpoint_with_other_objects_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(print))

    with pytest.raises(pickle.UnpicklingError, match=r"must not refer to builtins\.print"):
        read_tensors(path)


def test_a_models_input_is_replaced_and_its_weights_stay():
    graph = Graph()
    doubled = graph.node("Mul", ["x", graph.constant("c", np.array([2.0]))])
    fixed = graph.model(("x", (1, 2)), (doubled, (1, 2)))

    output = run(with_input(fixed, "x", ("rows", 3)), np.ones((5, 3), np.float32))

    assert output.tolist() == [[2.0, 2.0, 2.0]] * 5


def test_quantized_and_float_weights_of_a_tfjs_model_are_read(tmp_path):
    steps = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    table = [
        {"name": "a", "shape": [2, 1], "dtype": "float32", "quantization": steps},
        {"name": "b", "shape": [1], "dtype": "float32"},
    ]
    (tmp_path / "t.json").write_text(json.dumps([{"weights": table}]))
    (tmp_path / "t.bin").write_bytes(bytes([0, 4]) + np.float32(7).tobytes())

    tensors = read_tfjs(tmp_path / "t.json", tmp_path / "t.bin")

    assert tensors["a"].tolist() == [[-1.0], [1.0]]
    assert tensors["b"].tolist() == [7.0]
