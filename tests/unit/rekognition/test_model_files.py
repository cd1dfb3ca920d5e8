"""Checkpoints in, ONNX out: read and written by hand, so checked against those who know."""

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


def test_a_written_network_computes_what_it_says():
    graph = Graph()
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    product = graph.node("Gemm", ["x", graph.constant("w", weights)], transB=1, alpha=0.5)
    model = graph.model(("x", (1, 3)), (product, (1, 2)))

    answer = run(model, np.array([[1, 2, 3]], np.float32))

    assert answer.tolist() == [[4.0, 13.0]]


def test_a_constant_of_more_than_127_elements_keeps_its_length():
    graph = Graph()
    total = graph.node("Add", ["x", graph.constant("c", np.arange(300.0))])

    answer = run(graph.model(("x", (300,)), (total, (300,))), np.ones(300, np.float32))

    assert answer.tolist() == list(range(1, 301))


@pytest.mark.parametrize(("auto_pad", "side"), [("VALID", 2), ("SAME_UPPER", 3)])
def test_attributes_of_words_and_lists_are_understood(auto_pad, side):
    graph = Graph()
    kernel = graph.constant("k", np.ones((1, 1, 3, 3)))
    options = {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": auto_pad}
    product = graph.node("Conv", ["x", kernel], **options)

    answer = run(
        graph.model(("x", (1, 1, 5, 5)), (product, (1, 1, side, side))),
        np.ones((1, 1, 5, 5), np.float32),
    )

    assert answer.shape == (1, 1, side, side)
    assert answer[0, 0, 0, 0] == (9 if auto_pad == "VALID" else 4)


def test_the_checkpoints_tensors_have_their_names_shapes_and_order(weights):
    tensors = read_tensors(weights / EFFICIENTNET)

    assert len(tensors) == 296
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    # The second element along the last axis: another one, were the strides not heeded.
    assert tensors["_conv_stem.weight"].ravel()[:2].tolist() == pytest.approx(
        [-1.1103361, -1.3087704]
    )


def test_a_checkpoint_that_asks_for_anything_else_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(print))

    with pytest.raises(pickle.UnpicklingError, match=r"no business with builtins\.print"):
        read_tensors(path)


def test_another_input_is_given_to_a_model_and_its_weights_stay():
    graph = Graph()
    doubled = graph.node("Mul", ["x", graph.constant("c", np.array([2.0]))])
    fixed = graph.model(("x", (1, 2)), (doubled, (1, 2)))

    answer = run(with_input(fixed, "x", ("rows", 3)), np.ones((5, 3), np.float32))

    assert answer.tolist() == [[2.0, 2.0, 2.0]] * 5


def test_bytes_and_floats_of_a_tfjs_model_become_tensors(tmp_path):
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
