"""What the components of the model table say: tags, tensors, pre-processing and digests."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchloom.harness.profiles import apply
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component
from support.recipes import recipe, recipe_of
from support.repo import Loom
from support.standin import ROOT, imagenet_folder, meta_of

# Query and the one component that it means where ImageNet is there.
QUERIES = {
    "tensorflow": {
        "model,resnet50,tensorflow": "model-resnet50-tensorflow",
        "model,image-classification,mlperf,tensorflow,resnet50": "model-resnet50-tensorflow",
        "model,mobilenet,tensorflow": "model-mobilenet-tensorflow",
        "model,mobilenet,tensorflow,int8": "model-mobilenet-tensorflow-int8",
        "model,mlperf,mobilenet-v1-1.0-224,quantized": "model-mobilenet-tensorflow-int8",
        "model,mlperf,mobilenet-v1-1.0-224,non-quantized": "model-mobilenet-tensorflow",
    },
    "pytorch": {
        "model,resnet50,pytorch": "model-resnet50-pytorch",
        "model,resnet50,pytorch,fp32": "model-resnet50-pytorch",
        "model,resnet50,pytorch,int8": "model-resnet50-pytorch-int8",
        "model,image-classification,mlperf,pytorch,resnet50,v1.5-fp32": "model-resnet50-pytorch",
        "model,image-classification,mlperf,pytorch,resnet50,v1.5-int8-quantized": "model-resnet50-pytorch-int8",
    },
    "tflite": {
        "model,mobilenet,tflite": "model-mobilenet-tflite",
        "model,mobilenet,tflite,fp32": "model-mobilenet-tflite",
        "model,mobilenet,tflite,int8": "model-mobilenet-tflite-int8",
        "model,mobilenet,tflite,uint8": "model-mobilenet-tflite-int8",
    },
    "onnx": {
        "model,mobilenet,onnx,int8": "model-mobilenet-onnx-int8-nvidia",
        "model,image-classification,mlperf,onnx,mobilenet,quantized": "model-mobilenet-onnx-int8-nvidia",
        "model,resnet50,random-weights": "model-resnet50-onnx-random",
    },
}
ALIASES = sorted({alias for queries in QUERIES.values() for alias in queries.values()} - {"model-resnet50-onnx-random"})
# 99 % of the reference of the TensorFlow network is the target of each ResNet-50.
REFERENCES = {
    "model-resnet50-tensorflow": (0.76456, 0.756954),
    "model-resnet50-pytorch": (0.76014, 0.756954),
    "model-resnet50-pytorch-int8": (0.7579, 0.756954),
    "model-mobilenet-tensorflow": (0.71676, None),
    "model-mobilenet-tensorflow-int8": (0.70694, None),
    "model-mobilenet-tflite": (0.71676, None),
    "model-mobilenet-tflite-int8": (0.70762, None),
    "model-mobilenet-onnx-int8-nvidia": (0.709, None),
}


@pytest.fixture(scope="module")
def index():
    return load([read_repository(ROOT)], None)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory):
    return imagenet_folder(tmp_path_factory.mktemp("data") / "imagenet", images=1, wrong=0)


@pytest.mark.parametrize(("format", "query"), [(kind, query) for kind, found in QUERIES.items() for query in found])
def test_query_plans_the_model_it_means(tmp_path: Path, imagenet: Path, format: str, query: str):
    flags = (f"--dep_add_tags.model={query}", f"--dataset_path={imagenet}", "--mode=performance", "--json")
    plan = Loom(tmp_path).here("plan", f"program:image-classification-{format}", *flags).ok()
    assert plan.node("model")["candidate"]["component"] == f"package:{QUERIES[format][query]}"


@pytest.mark.parametrize("alias", ALIASES)
def test_profile_gives_what_the_model_takes(index: Index, imagenet: Path, alias: str):
    component = index.get(f"package:{alias}")
    profile = recipe_of(index, component)
    (source,) = component.model.inputs
    sample = apply(profile, imagenet / "ILSVRC2012_val_00000001.JPEG")
    assert (sample.shape, sample.dtype.name) == (source.shape[1:], source.dtype)
    assert profile.layout == source.layout
    datasets = [
        item.dataset for item in matched(index, component, "dataset") if item.dataset
    ]  # what is got by hand has none
    assert {item.name for item in datasets} == {"imagenet2012-val"}


def matched(index: Index, component: Component, role: str) -> tuple[Component, ...]:
    (need,) = [item for item in component.requires if item.role == role]
    return index.match(need.query)


@pytest.mark.parametrize("alias", ALIASES)
def test_reference_is_the_tables(index: Index, alias: str):
    reference = index.get(f"package:{alias}").model.reference
    assert (reference.value, reference.target) == REFERENCES[alias]
    assert "table of models" in reference.source


@pytest.mark.parametrize("alias", ALIASES)
def test_first_link_is_the_records_and_what_is_not_pinned_says_why(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    (fetch,) = component.fetch
    assert fetch.url.startswith("https://zenodo.org/record/")
    assert bool(fetch.digest) != bool(fetch.unpinned)
    if fetch.archive:
        assert fetch.member == component.result
    # A copy that is only likely to be the same is a variation with a digest of its own, never a mirror.
    assert all(item.digest and item.size for variation in component.variations.values() for item in variation.fetch)


def test_archives_of_rows_5_and_7_and_of_6_and_8_are_the_same_file(index: Index):
    for one, other in (("tensorflow", "tflite"), ("tensorflow-int8", "tflite-int8")):
        first, second = (index.get(f"package:model-mobilenet-{name}") for name in (one, other))
        assert first.fetch[0].url == second.fetch[0].url
        assert first.variations["from-google"].fetch[0].digest == second.variations["from-google"].fetch[0].digest


def test_variation_plans_the_file_of_the_origin(tmp_path: Path, imagenet: Path):
    flags = ("--dep_add_tags.model=mobilenet,_from-google", f"--dataset_path={imagenet}", "--json")
    plan = Loom(tmp_path).here("plan", "program:image-classification-tflite", *flags).ok()
    (fetch,) = plan.node("model")["provision"]["files"]
    assert fetch["url"].startswith("http://download.tensorflow.org/")
    assert fetch["digest"] == "sha256:2fadeabb9968ec6833bee903900dda6e61b3947200535874ce2fe42a8493abc0"


@pytest.mark.parametrize("words", ["_torchvision-0.8", "torchvision-0.8"])
@pytest.mark.parametrize("row", ["resnet50,fp32", "resnet50,int8"])
def test_crop_of_torchvision_0_8_is_a_variation_with_samples_of_its_own(
    tmp_path: Path, imagenet: Path, row: str, words: str
):
    asked = (
        "plan",
        "program:image-classification-pytorch",
        f"--dep_add_tags.model={row}",
        f"--dataset_path={imagenet}",
    )
    loom = Loom(tmp_path / "home")
    plain = loom.here(*asked, "--json", "--quiet").ok()
    varied = loom.here(*asked, f"--dep_add_tags.profile={words}", "--json", "--quiet").ok()
    assert plain.node("profile")["candidate"].get("variations", []) == []
    assert varied.node("profile")["candidate"]["variations"] == ["torchvision-0.8"]
    assert plain.node("samples")["key"] != varied.node("samples")["key"]


def picture(tmp_path: Path, height: int, width: int) -> Path:
    noise = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    path = tmp_path / "photo.JPEG"
    cv2.imwrite(str(path), cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))
    return path


@pytest.mark.parametrize("name", ["imagenet", "imagenet-mobilenet"])
def test_profiles_of_two_layouts_differ_in_nothing_else(index: Index, tmp_path: Path, name: str):
    file = picture(tmp_path, 375, 500)
    first, last = (apply(recipe(index, f"profile-{name}{variation}"), file) for variation in ("", ",_nhwc"))
    np.testing.assert_array_equal(first.transpose(1, 2, 0), last)


def test_profile_imagenet_universal_gives_the_bytes_that_the_float_one_scales(index: Index, tmp_path: Path):
    file = picture(tmp_path, 500, 333)
    whole = apply(recipe(index, "profile-imagenet-universal"), file)
    floats = apply(recipe(index, "profile-imagenet-mobilenet,_nhwc"), file)
    np.testing.assert_allclose(whole.astype(np.float32) / 127.5 - 1, floats, atol=1e-6)


def test_profile_imagenet_minus_128_is_whole_numbers_around_zero(index: Index, tmp_path: Path):
    found = apply(recipe(index, "profile-imagenet-minus-128"), picture(tmp_path, 375, 500))
    assert found.shape == (3, 224, 224)
    np.testing.assert_array_equal(found, np.rint(found))
    assert found.min() < 0 < found.max()
    assert (found.min() >= -128, found.max() <= 127) == (True, True)
    assert meta_of("model-mobilenet-onnx-int8-nvidia")["needs"]["profile"]["tags"] == "profile,imagenet-minus-128"
