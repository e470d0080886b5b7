"""The TFLite backend on tiny networks, where ai-edge-litert is installed."""

from pathlib import Path

import numpy as np
import pytest

from benchloom.errors import InputError
from support.networks import HERE, scores, tiny

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
backend = pytest.importorskip("benchloom.harness.backends.tflite")
FLOAT, UINT8 = str(HERE / "tiny.tflite"), str(HERE / "tiny-uint8.tflite")


def batch(size: int, seed: int = 5):
    return np.random.default_rng(seed).uniform(-1, 1, (size, 2, 2, 1)).astype(np.float32)


def test_float_file_gives_the_scores_of_its_arithmetic_at_every_batch_size():
    network = backend.load(tiny("tflite"), FLOAT, 1)
    for size in (1, 4, 4, 2, 1):
        found = network.run([batch(size, size)])[0]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, scores(batch(size, size)), atol=1e-6)


def test_scores_of_one_batch_stay_when_the_next_is_run():
    network = backend.load(tiny("tflite"), FLOAT, 1)
    first = network.run([batch(2, 1)])[0]
    network.run([batch(2, 2)])[0]
    np.testing.assert_allclose(first, scores(batch(2, 1)), atol=1e-6)


def test_quantised_file_takes_floats_by_its_own_scale_and_gives_floats():
    network = backend.load(tiny("tflite"), UINT8, 1)
    samples = np.clip(batch(16), None, 0.9) * 0.9
    found = network.run([samples])[0]
    assert found.dtype == np.float32
    # One step of the input (2/255) times the largest weight, and one of the output (6/255).
    np.testing.assert_allclose(found, scores(samples), atol=3 * 2 / 255 + 6 / 255)
    assert np.abs(found).max() > 0.5


def test_quantised_file_clips_floats_outside_its_range():
    network = backend.load(tiny("tflite"), UINT8, 1)
    far, edge = (np.full((1, 2, 2, 1), value, np.float32) for value in (50, (255 - 127) * 2 / 255))
    np.testing.assert_array_equal(network.run([far])[0], network.run([edge])[0])


def test_samples_of_the_files_own_type_pass_through():
    network = backend.load(tiny("tflite", dtype="uint8"), UINT8, 1)
    whole = np.array([0, 127, 200, 255], np.uint8).reshape(1, 2, 2, 1)
    meant = ((whole.astype(np.float32) - 127) * (2 / 255)).astype(np.float32)
    np.testing.assert_array_equal(network.run([whole])[0], network.run([meant])[0])
    np.testing.assert_allclose(network.run([whole])[0], scores(meant), atol=6 / 255)


def test_file_for_one_sample_at_a_time_refuses_more_and_still_takes_one():
    network = backend.load(tiny("tflite"), str(HERE / "tiny-single.tflite"), 1)
    with pytest.raises(InputError, match="the model does not support batches of 3") as caught:
        network.run([batch(3)])[0]
    assert "max_batch" in caught.value.fix
    np.testing.assert_allclose(network.run([batch(1)])[0], scores(batch(1)), atol=1e-6)


def test_settings_and_version_are_those_of_the_file_and_library():
    network = backend.load(tiny("tflite"), UINT8, 2)
    assert network.settings() == {"device": "cpu", "threads": 2, "input_dtype": "uint8", "output_dtype": "uint8"}
    assert network.version[0].isdigit()


@pytest.mark.parametrize(
    ("names", "known"), [(("inputs", "scores"), "it has input"), (("input", "logits"), "it has scores")]
)
def test_tensor_the_file_lacks_is_told_with_those_it_has(names: tuple[str, str], known: str):
    with pytest.raises(InputError, match="the model has no tensor") as caught:
        backend.load(tiny("tflite", names=names), FLOAT, 1)
    assert caught.value.where == FLOAT
    assert caught.value.why == (known,)


@pytest.mark.parametrize(("file", "dtype"), [(FLOAT, "uint8"), (UINT8, "int8"), (FLOAT, "float64"), (UINT8, "float64")])
def test_type_the_input_does_not_take_is_refused(file: str, dtype: str):
    with pytest.raises(InputError, match=f"its facts state {dtype}"):
        backend.load(tiny("tflite", dtype=dtype), file, 1)


@pytest.mark.parametrize("shape", [("N", 1, 2, 2), ("N", 2, 2), ("N", 2, 2, 3)])
def test_shape_that_is_not_the_files_is_refused(shape: tuple[int | str, ...]):
    with pytest.raises(InputError, match=r"is \[-1, 2, 2, 1\], its facts state"):
        backend.load(tiny("tflite", shape=shape), FLOAT, 1)


@pytest.mark.parametrize("content", [b"", b"no flatbuffer at all", None])
def test_file_that_is_no_tflite_is_refused(tmp_path: Path, content: bytes | None):
    file = tmp_path / "broken.tflite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="tflite cannot load the model") as caught:
        backend.load(tiny("tflite"), str(file), 1)
    assert caught.value.where == str(file)


def test_file_cut_short_is_refused(tmp_path: Path):
    file = tmp_path / "short.tflite"
    file.write_bytes(Path(FLOAT).read_bytes()[:600])
    with pytest.raises(InputError, match="tflite cannot load the model"):
        backend.load(tiny("tflite"), str(file), 1)


def test_other_format_is_named():
    with pytest.raises(InputError, match="tflite cannot load format 'onnx'"):
        backend.load(tiny("onnx"), FLOAT, 1)


def test_loading_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]):
    backend.load(tiny("tflite"), FLOAT, 1).run([batch(1)])[0]
    assert capfd.readouterr() == ("", "")


def test_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="tflite cannot run on cuda"):
        backend.load(tiny("tflite"), FLOAT, 1, "cuda")
