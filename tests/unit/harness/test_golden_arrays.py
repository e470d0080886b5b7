"""Every profile of the checkout against its documented steps, written out one after the other, bit for bit.

The steps are those of MLPerf Inference r1.0, vision/classification_and_detection/python/dataset.py. OpenCV decodes there,
so what it makes of an odd file is what the reference sees: EXIF's orientation is applied, CMYK becomes colours, gray
becomes three equal channels, and the ending of a name means nothing. Only files that end early are another matter: OpenCV
fills the rest with gray and the reference goes on; here they are refused.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from benchloom.errors import InputError
from benchloom.harness.profiles import DamagedImageError, apply
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.model.facts import Profile, Step
from support.recipes import recipe
from support.torchvision_steps import offset, pre_processed, resized

ROOT = Path(__file__).resolve().parents[3]
INDEX = load([read_repository(ROOT)], None)
SIZES = [(1, 1), (40, 1), (1, 40), (3, 5), (8, 8), (32, 32), (224, 224), (256, 256), (256, 259), (259, 256), (375, 501)]
SIZES += [(375, 500), (500, 375)]  # of which the crops of torchvision's releases differ
replace = msgspec.structs.replace

Pixels = NDArray[Any]


# -- the documented steps -------------------------------------------------------------------------------------------


def resized_to_short_side_256(image: Pixels, interpolation: int) -> Pixels:
    height, width, _ = image.shape
    side = int(100.0 * 224 / 87.5)
    if height > width:
        return cv2.resize(image, (side, int(side * height / width)), interpolation=interpolation)
    return cv2.resize(image, (int(side * width / height), side), interpolation=interpolation)


def cropped_to_224(image: Pixels) -> Pixels:
    height, width, _ = image.shape
    left, right = int((width - 224) / 2), int((width + 224) / 2)
    top, bottom = int((height - 224) / 2), int((height + 224) / 2)
    return image[top:bottom, left:right]


def pre_process_vgg(path: str) -> Pixels:
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    image = cropped_to_224(resized_to_short_side_256(image, cv2.INTER_AREA))
    image = np.asarray(image, dtype="float32")
    image -= np.array([123.68, 116.78, 103.94], dtype=np.float32)
    return image


def pre_process_mobilenet(path: str) -> Pixels:
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    image = cropped_to_224(resized_to_short_side_256(image, cv2.INTER_LINEAR))
    image = np.asarray(image, dtype="float32")
    image /= 255.0
    image -= 0.5
    image *= 2
    return image


def pre_process_imagenet_pytorch(path: str) -> Pixels:
    return pre_processed(cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB), release="0.9.1")


def imagenet_pytorch_by_torchvision_0_8(path: str) -> Pixels:
    return pre_processed(cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB), release="0.8")


def minus_128(path: str) -> Pixels:
    """Not of the reference: CK's for NVIDIA's MobileNet, ResNet's geometry with other means."""
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    image = cropped_to_224(resized_to_short_side_256(image, cv2.INTER_AREA)).astype(np.float32)
    return image - np.float32([128, 128, 128])


def universal(path: str) -> Pixels:
    """Not of the reference: CK's bytes without any normalisation."""
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    return cropped_to_224(resized_to_short_side_256(image, cv2.INTER_LINEAR))


def maybe_resize(path: str, side: int) -> Pixels:
    """The detectors' beginning: floats before anything else, and no aspect."""
    image = np.array(cv2.imread(path), dtype=np.float32)
    if len(image.shape) < 3 or image.shape[2] != 3:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def pre_process_coco_mobilenet(path: str) -> Pixels:
    return np.asarray(maybe_resize(path, 300), dtype=np.uint8)


def pre_process_coco_pt_mobilenet(path: str) -> Pixels:
    image = maybe_resize(path, 300)
    image -= 127.5
    image /= 127.5
    return image


def pre_process_coco_resnet34(path: str) -> Pixels:
    image = maybe_resize(path, 1200)
    mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
    std = np.array([0.229, 0.224, 0.225], dtype=np.float32)
    image = image / 255.0 - mean
    return image / std


def train_digit_scenes_detector(path: str) -> Pixels:
    """Not of the reference: what the embedded detector was trained with."""
    image = cv2.resize(cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB), (300, 300), interpolation=cv2.INTER_LINEAR)
    return (image.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def train_digits_network(path: str) -> Pixels:
    """Not of the reference: what the embedded networks were trained with."""
    image = cv2.resize(cv2.imread(path, cv2.IMREAD_GRAYSCALE), (32, 32), interpolation=cv2.INTER_LINEAR)
    return ((image.astype(np.float32) - np.float32(127.5)) / np.float32(127.5))[:, :, np.newaxis]


# What a profile gives as its source, with what that source says; all leave the channels last.
STEPS: dict[str, Callable[[str], Pixels]] = {
    "pre_process_vgg": pre_process_vgg,
    "pre_process_mobilenet": pre_process_mobilenet,
    "pre_process_imagenet_pytorch": pre_process_imagenet_pytorch,
    "model-onnx-mlperf-mobilenet-quantized": minus_128,
    "dataset-imagenet-preprocessed-using-opencv (universal)": universal,
    "pre_process_coco_mobilenet": pre_process_coco_mobilenet,
    "pre_process_coco_pt_mobilenet": pre_process_coco_pt_mobilenet,
    "pre_process_coco_resnet34": pre_process_coco_resnet34,
    "train-digits-network": train_digits_network,
    "train-digit-scenes-detector": train_digit_scenes_detector,
}


VARIED: dict[str, Callable[[str], Pixels]] = {
    "profile-imagenet-pytorch,_torchvision-0.8": imagenet_pytorch_by_torchvision_0_8,
}


def expected(name: str, path: Path) -> Pixels:
    facts = meta(name)
    found = [steps for key, steps in STEPS.items() if any(key in source for source in facts["sources"])]
    (steps,) = [VARIED[name]] if name in VARIED else found
    pixels = steps(str(path))
    return pixels.transpose(2, 0, 1) if profile_of(name).layout == "NCHW" else pixels


# -- images ---------------------------------------------------------------------------------------------------------


def picture(height: int, width: int) -> Pixels:
    """Colours that change from place to place, with edges, so that interpolation and geometry both show."""
    random = np.random.default_rng(height * 1000 + width)
    coarse = random.integers(0, 256, (max(1, height // 9), max(1, width // 9), 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth ^ random.integers(0, 32, smooth.shape, np.uint8)


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def images() -> dict[str, bytes]:
    colour = Image.fromarray(picture(300, 451))
    turned = Image.Exif()
    turned[0x0112] = 6
    sized = {f"jpeg {height}x{width}": encoded(Image.fromarray(picture(height, width))) for height, width in SIZES}
    return {
        **sized,
        "gray": encoded(colour.convert("L")),
        "cmyk": encoded(colour.convert("CMYK")),
        "progressive": encoded(colour, progressive=True),
        "every pixel's colour": encoded(colour, quality=100, subsampling=0),
        "turned by exif": encoded(colour, exif=turned),
        "png": encoded(colour, "PNG"),
        "png with alpha": encoded(colour.convert("RGBA"), "PNG"),
        "png with palette": encoded(colour.quantize(16), "PNG"),
    }


IMAGES = images()


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        path = tmp_path / "ILSVRC2012_val_00000001.JPEG"
        path.write_bytes(IMAGES[name])
        return path

    return write


def meta(name: str) -> dict[str, Any]:
    alias = name.partition(",")[0]
    return json.loads((ROOT / "package" / alias / ".cm" / "meta.json").read_text())


def profile_of(name: str) -> Profile:
    """Return the profile of a package, or of one with its variation: ``profile-name,_variation``."""
    return recipe(INDEX, name)


def names() -> list[str]:
    aliases = sorted(path.name for path in (ROOT / "package").glob("profile-*"))
    varied = [f"{alias},_{name}" for alias in aliases for name in meta(alias).get("variations", {})]
    return [*aliases, *varied]


ALIASES = names()


# -- equality -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("alias", ALIASES)
def test_profile_gives_the_documented_array(alias: str, name: str, place: Callable[[str], Path]):
    path = place(name)
    found, wanted = apply(profile_of(alias), path), expected(alias, path)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    assert np.array_equal(found, wanted)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ALIASES), st.integers(1, 700), st.integers(1, 700), st.sampled_from([0, 1, 2]), st.booleans())
def test_profile_gives_the_documented_array_of_any_size(
    tmp_path: Path, alias: str, height: int, width: int, subsampling: int, progressive: bool
):
    path = tmp_path / "any.JPEG"
    image = Image.fromarray(picture(height, width))
    path.write_bytes(encoded(image, quality=90, subsampling=subsampling, progressive=progressive))
    out = np.full(profile_of(alias).shape, 77, profile_of(alias).dtype)
    assert apply(profile_of(alias), path, out) is out
    assert np.array_equal(out, expected(alias, path))


def test_steps_of_the_pytorch_reference_give_the_documented_array(place: Callable[[str], Path]):
    for name in IMAGES:
        path = place(name)
        assert np.array_equal(apply(PYTORCH, path), pre_process_imagenet_pytorch(str(path))), name


SIDES = [
    *((256, 256 + more) for more in range(12)),
    *((300 + more, 263) for more in range(12)),
    *[(375, 500), (500, 375), (480, 640), (333, 500), (223, 225), (100, 150), (255, 257), (1000, 1501), (2000, 1333)],
]


@pytest.mark.parametrize("release", ["0.9.1", "0.8"])
def test_crops_of_torchvisions_releases_are_those_of_their_definitions(tmp_path: Path, release: str):
    name = f"profile-imagenet-pytorch{',_torchvision-0.8' if release == '0.8' else ''}"
    for height, width in SIDES:
        image = picture(height, width)
        cv2.imwrite(str(tmp_path / "image.png"), image)
        wanted = pre_processed(image[:, :, ::-1], release=release).transpose(2, 0, 1)
        assert np.array_equal(apply(profile_of(name), tmp_path / "image.png"), wanted), (height, width)


def test_crops_of_torchvisions_releases_differ_where_one_pixel_in_four_is_left_over():
    assert (offset(resized(500, 375)[0], release="0.9.1"), offset(resized(500, 375)[0], release="0.8")) == (58, 59)
    differ = [size for size in range(224, 300) if offset(size, release="0.9.1") != offset(size, release="0.8")]
    assert differ == [size for size in range(224, 300) if (size - 224) % 4 == 1]


@pytest.mark.parametrize(("mode", "first"), [("", (58, 59, 60)), ("round", (58, 59, 60)), ("half-up", (59, 59, 60))])
def test_first_column_that_a_crop_keeps(tmp_path: Path, mode: Any, first: tuple[int, ...]):
    columns = np.arange(344, dtype=np.uint8)[np.newaxis, :, np.newaxis].repeat(256, 0).repeat(3, 2)
    steps = (Step(op="decode", colour="rgb"), Step(op="crop", size=(224, 224), mode=mode))
    profile = Profile(name="crop", steps=steps, shape=(224, 224, 3), dtype="uint8")
    for width, column in zip((341, 342, 344), first, strict=True):
        cv2.imwrite(str(tmp_path / "columns.png"), columns[:, :width])
        assert apply(profile, tmp_path / "columns.png")[0, 0, 0] == column


def test_crop_of_the_pytorch_reference_is_not_that_of_the_others(place: Callable[[str], Path]):
    """Half a pixel: 259 less 224 leaves 17.5 on each side, which torchvision rounds and the others cut."""
    path = place("jpeg 256x259")
    others = replace(
        PYTORCH, steps=tuple(replace(step, mode="") if step.op == "crop" else step for step in PYTORCH.steps)
    )
    assert not np.array_equal(apply(others, path), pre_process_imagenet_pytorch(str(path)))


PYTORCH = Profile(
    name="imagenet_pytorch",
    steps=(
        Step(op="decode", colour="rgb"),
        Step(op="resize", size=(256,), mode="short-side", interpolation="pil-bilinear"),
        Step(op="crop", size=(224, 224), mode="round"),
        Step(op="cast", dtype="float32"),
        Step(op="divide", values=(255.0,)),
        Step(op="subtract", values=(0.485, 0.456, 0.406)),
        Step(op="divide", values=(0.229, 0.224, 0.225)),
    ),
    shape=(224, 224, 3),
    dtype="float32",
)


def test_image_turned_by_exif_is_turned_and_gray_has_equal_channels(place: Callable[[str], Path]):
    profile = Profile(name="raw", steps=(Step(op="decode", colour="rgb"),), shape=(451, 300, 3), dtype="uint8")
    assert apply(profile, place("turned by exif")).shape == (451, 300, 3)
    gray = apply(replace(profile, shape=(300, 451, 3)), place("gray"))
    assert np.array_equal(gray[..., 0], gray[..., 1])
    assert np.array_equal(gray[..., 0], gray[..., 2])


# -- every fact of a profile counts ---------------------------------------------------------------------------------


ARITHMETIC = {"cast", "subtract", "divide", "multiply"}


def changes(profile: Profile) -> dict[str, tuple[Step, ...]]:
    """Return the steps with one thing changed, by what it is."""
    found: dict[str, tuple[Step, ...]] = {}
    for number, step in enumerate(profile.steps):
        before, after = profile.steps[:number], profile.steps[number + 1 :]
        for what, other in _other_steps(step):
            found[f"{number} {step.op}: {what}"] = (*before, other, *after)
        if (step.op, step.layout) != ("transpose", "NHWC") and step.op != "decode":
            found[f"{number} {step.op}: left out"] = (*before, *after)
        # Not a cast before a division: of two bytes, that gives the very same number in either precision.
        swapped = (step.op, after[0].op if after else "transpose")
        if step.op in ARITHMETIC and swapped[1] != "transpose" and swapped != ("cast", "divide"):
            found[f"{number} {step.op}: later"] = (*before, after[0], step, *after[1:])
    return found


def _other_steps(step: Step) -> list[tuple[str, Step]]:
    if step.op == "decode":
        return [(colour, replace(step, colour=colour)) for colour in ("rgb", "bgr", "gray") if colour != step.colour]
    if step.op == "resize":
        others = [item for item in ("area", "linear", "pil-bilinear") if item != step.interpolation]
        smaller = replace(step, size=tuple(side - 1 for side in step.size))
        return [(item, replace(step, interpolation=item)) for item in others] + [("one less", smaller)]
    if step.op == "crop":
        modes: list[Any] = ["", "round", "half-up"]
        return [(f"mode {mode}", replace(step, mode=mode)) for mode in modes if mode != step.mode]
    if step.op == "cast":
        return [(dtype, replace(step, dtype=dtype)) for dtype in ("float64", "float16", "uint8") if dtype != step.dtype]
    if step.op == "transpose":
        return [("layout", replace(step, layout="NHWC" if step.layout == "NCHW" else "NCHW"))]
    nudged = tuple(float(np.nextafter(np.float32(value), np.float32(np.inf))) for value in step.values)
    turned = [("turned", replace(step, values=step.values[::-1]))] if len(set(step.values)) > 1 else []
    return [("nudged", replace(step, values=nudged)), *turned]


CASES = [(alias, what) for alias in ALIASES for what in changes(profile_of(alias))]


@pytest.mark.parametrize(("alias", "what"), CASES, ids=lambda item: item.replace(" ", "_"))
def test_profile_with_one_fact_changed_gives_something_else(alias: str, what: str, place: Callable[[str], Path]):
    profile = profile_of(alias)
    changed = replace(profile, steps=changes(profile)[what])
    paths = (place(name) for name in ("jpeg 256x259", "jpeg 375x500", "jpeg 375x501", "jpeg 8x8", "png"))
    assert any(differs(changed, path, expected(alias, path)) for path in paths)


def differs(profile: Profile, path: Path, wanted: Pixels) -> bool:
    try:
        return not np.array_equal(apply(profile, path), wanted)
    except InputError as error:
        # Refused for what it gives: the other good outcome.
        assert "it states" in error.what or "cannot be applied" in error.what  # noqa: PT017
        return True


# -- damaged files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["jpeg 375x501", "progressive", "turned by exif"])
def test_jpeg_that_ends_early_is_refused_though_opencv_fills_it(tmp_path: Path, name: str, cut: float):
    path = tmp_path / "cut.JPEG"
    path.write_bytes(IMAGES[name][: int(len(IMAGES[name]) * cut)])
    assert cv2.imread(str(path)) is not None
    with pytest.raises(DamagedImageError, match="truncated"):
        apply(profile_of("profile-imagenet"), path)


def test_jpeg_that_ends_early_is_refused_though_its_thumbnail_is_whole(tmp_path: Path):
    thumbnail = IMAGES["jpeg 8x8"]
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = IMAGES["jpeg 375x501"]
    path = tmp_path / "thumbnail.JPEG"
    path.write_bytes(data[:2] + segment + data[2:])
    apply(profile_of("profile-imagenet"), path)
    path.write_bytes(data[:2] + segment + data[2:-200])
    with pytest.raises(DamagedImageError, match="truncated"):
        apply(profile_of("profile-imagenet"), path)


@pytest.mark.parametrize("tail", [b"", b"\0" * 7, b"some words after the picture"])
def test_jpeg_with_something_after_its_end_is_whole(tmp_path: Path, tail: bytes):
    path = tmp_path / "tail.JPEG"
    path.write_bytes(IMAGES["progressive"] + tail)
    assert np.array_equal(apply(PYTORCH, path), pre_process_imagenet_pytorch(str(path)))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0 no picture", b"text", IMAGES["png"][:60]])
def test_file_that_is_no_picture_is_refused(tmp_path: Path, data: bytes):
    path = tmp_path / "none.JPEG"
    path.write_bytes(data)
    with pytest.raises(DamagedImageError, match=r"cannot be decoded|truncated") as caught:
        apply(PYTORCH, path)
    assert caught.value.where == str(path)
