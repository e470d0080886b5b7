"""Profiles give the arrays that the documented steps give, bit by bit; the expectations are written out with OpenCV and PIL."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchloom.errors import InputError
from benchloom.harness.profiles import apply
from benchloom.model.facts import Profile, Step

GEOMETRY = (
    Step(op="decode", colour="rgb"),
    Step(op="resize", size=(256,), mode="short-side", interpolation="area"),
    Step(op="crop", size=(224, 224)),
    Step(op="cast", dtype="float32"),
)


def profile(*steps: Step, shape: tuple[int, ...], dtype: str = "float32") -> Profile:
    return Profile(name="trial", steps=steps, shape=shape, dtype=dtype)


@pytest.fixture(params=[(375, 500), (500, 333), (256, 256), (300, 301)], ids=str)
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    height, width = request.param
    noise = np.random.default_rng(7).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    path = tmp_path / "photo.JPEG"
    cv2.imwrite(str(path), cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))
    return path


def cropped(path: Path, interpolation: int) -> np.ndarray:
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width, _ = image.shape
    size = (256, int(256 * height / width)) if height > width else (int(256 * width / height), 256)
    image = cv2.resize(image, size, interpolation=interpolation)
    left, top = int((image.shape[1] - 224) / 2), int((image.shape[0] - 224) / 2)
    return image[top : top + 224, left : left + 224]


def test_imagenet_steps_equal_the_reference(photo: Path):
    steps = (*GEOMETRY, Step(op="subtract", values=(123.68, 116.78, 103.94)), Step(op="transpose", layout="NCHW"))
    expected = cropped(photo, cv2.INTER_AREA).astype("float32") - np.array([123.68, 116.78, 103.94], np.float32)
    found = apply(profile(*steps, shape=(3, 224, 224)), photo)
    assert np.array_equal(found, expected.transpose(2, 0, 1))


def test_mobilenet_steps_equal_the_reference(photo: Path):
    resize = Step(op="resize", size=(256,), mode="short-side", interpolation="linear")
    scale = (Step(op="divide", values=(255.0,)), Step(op="subtract", values=(0.5,)), Step(op="multiply", values=(2.0,)))
    steps = (GEOMETRY[0], resize, *GEOMETRY[2:], *scale)
    expected = cropped(photo, cv2.INTER_LINEAR).astype("float32")
    expected /= 255.0
    expected -= 0.5
    expected *= 2
    assert np.array_equal(apply(profile(*steps, shape=(224, 224, 3)), photo), expected)


def test_pillow_bilinear_equals_pillow(photo: Path):
    resize = Step(op="resize", size=(64, 48), mode="exact", interpolation="pil-bilinear")
    rgb = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
    expected = np.asarray(Image.fromarray(rgb).resize((48, 64), Image.Resampling.BILINEAR))
    assert np.array_equal(apply(profile(GEOMETRY[0], resize, shape=(64, 48, 3), dtype="uint8"), photo), expected)


@pytest.mark.parametrize("size", [(225, 227), (226, 229), (227, 231), (224, 224)])
def test_crop_that_rounds_goes_to_the_even_side(tmp_path: Path, size: tuple[int, int]):
    height, width = size
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    top, left = round((height - 224) / 2.0), round((width - 224) / 2.0)
    crop = Step(op="crop", size=(224, 224), mode="round")
    found = apply(profile(GEOMETRY[0], crop, shape=(224, 224, 3), dtype="uint8"), tmp_path / "picture.png")
    assert np.array_equal(found, picture[top : top + 224, left : left + 224, ::-1])


def test_imagenet_pytorch_steps_equal_torchvisions(photo: Path):
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    steps = (
        GEOMETRY[0],
        Step(op="resize", size=(256,), mode="short-side", interpolation="pil-bilinear"),
        Step(op="crop", size=(224, 224), mode="round"),
        GEOMETRY[3],
        Step(op="divide", values=(255.0,)),
        Step(op="subtract", values=mean),
        Step(op="divide", values=deviation),
        Step(op="transpose", layout="NCHW"),
    )
    image = Image.fromarray(cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB))
    width, height = image.size
    size = (256, int(256 * height / width)) if width < height else (int(256 * width / height), 256)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    expected = np.asarray(image)[top : top + 224, left : left + 224].astype(np.float32) / np.float32(255)
    expected = ((expected - np.array(mean, np.float32)) / np.array(deviation, np.float32)).transpose(2, 0, 1)
    assert np.array_equal(apply(profile(*steps, shape=(3, 224, 224)), photo), expected)


def test_gray_images_get_one_channel(photo: Path):
    steps = (Step(op="decode", colour="gray"), Step(op="resize", size=(32, 32), mode="exact"))
    found = apply(profile(*steps, Step(op="transpose", layout="NCHW"), shape=(1, 32, 32), dtype="uint8"), photo)
    expected = cv2.resize(cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE), (32, 32), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(found[0], expected)


def test_steps_that_give_another_shape_are_refused(photo: Path):
    with pytest.raises(InputError, match=r"gives uint8 .* it states float32 \(1, 2, 3\)"):
        apply(profile(GEOMETRY[0], shape=(1, 2, 3)), photo)


def test_damaged_file_is_named(tmp_path: Path):
    path = tmp_path / "bad.JPEG"
    path.write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(InputError, match="cannot be decoded") as caught:
        apply(profile(GEOMETRY[0], shape=(1,)), path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", "float64"])
def test_every_dtype_and_order_of_colours_gives_the_written_out_array(
    photo: Path, layout: str, colour: str, dtype: str
):
    steps = (Step(op="decode", colour=colour), *GEOMETRY[1:3], Step(op="cast", dtype=dtype))
    values = Step(op="multiply", values=(2.0, 3.0, 5.0))
    resized = cropped(photo, cv2.INTER_AREA)
    wanted = (resized if colour == "rgb" else resized[..., ::-1]).astype(dtype) * np.array([2, 3, 5], dtype)
    shape = (3, 224, 224) if layout == "NCHW" else (224, 224, 3)
    found = apply(profile(*steps, values, Step(op="transpose", layout=layout), shape=shape, dtype=dtype), photo)
    assert np.array_equal(found, wanted.transpose(2, 0, 1) if layout == "NCHW" else wanted)


def test_sample_can_be_a_place_in_a_file(photo: Path, tmp_path: Path):
    steps = (*GEOMETRY, Step(op="subtract", values=(123.68, 116.78, 103.94)), Step(op="transpose", layout="NCHW"))
    trial = profile(*steps, shape=(3, 224, 224))
    array = np.lib.format.open_memmap(tmp_path / "all.npy", mode="w+", dtype=np.float32, shape=(2, 3, 224, 224))
    apply(trial, photo, array[1])
    array.flush()
    assert np.array_equal(np.load(tmp_path / "all.npy"), np.stack([np.zeros_like(array[0]), apply(trial, photo)]))


def test_values_per_channel_are_refused_for_gray(photo: Path):
    steps = (Step(op="decode", colour="gray"), Step(op="subtract", values=(1.0, 2.0, 3.0)))
    height, width = cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE).shape
    with pytest.raises(InputError, match=rf"step subtract .* to uint8 \({height}, {width}\)"):
        apply(profile(*steps, shape=(1, 2, 3)), photo)


@pytest.mark.parametrize(
    "before",
    [
        Step(op="cast", dtype="float32"),
        Step(op="subtract", values=(7.0, 0.0, 9.0)),
        Step(op="transpose", layout="NHWC"),
    ],
)
def test_steps_before_a_resize_are_done_before_it(photo: Path, before: Step):
    resize = Step(op="resize", size=(60, 50), mode="exact", interpolation="linear")
    image = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
    image = image.astype(np.float32) if before.op == "cast" else image
    image = image - np.array(before.values, np.uint8) if before.op == "subtract" else image
    found = apply(profile(GEOMETRY[0], before, resize, shape=(60, 50, 3), dtype=image.dtype.name), photo)
    assert np.array_equal(found, cv2.resize(image, (50, 60), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize("values", [(2.0,), ()])
def test_arithmetic_after_the_transposition_is_done_after_it(photo: Path, values: tuple[float, ...]):
    steps = (*GEOMETRY[:3], Step(op="transpose", layout="NCHW"), GEOMETRY[3])
    divide = (Step(op="divide", values=values),) if values else ()
    found = apply(profile(*steps, *divide, shape=(3, 224, 224)), photo)
    wanted = cropped(photo, cv2.INTER_AREA).transpose(2, 0, 1).astype(np.float32)
    assert np.array_equal(found, wanted / np.float32(2) if values else wanted)


@pytest.mark.parametrize("steps", [(), GEOMETRY[1:], (GEOMETRY[3], Step(op="transpose", layout="NCHW"))])
def test_profile_that_decodes_nothing_is_refused(photo: Path, steps: tuple[Step, ...]):
    with pytest.raises(InputError, match=r"it states|cannot be applied"):
        apply(profile(*steps, shape=(3, 224, 224)), photo)


@pytest.mark.parametrize("values", [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0)])
def test_values_that_are_not_one_per_channel_are_refused(photo: Path, values: tuple[float, ...]):
    with pytest.raises(
        InputError, match=r"step subtract of profile trial cannot be applied to float32 \(224, 224, 3\)"
    ):
        apply(profile(*GEOMETRY, Step(op="subtract", values=values), shape=(224, 224, 3)), photo)
