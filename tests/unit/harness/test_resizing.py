"""A window of a resized image is that part of the whole, to the last bit, however little of it is calculated."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchloom.harness import resizing
from benchloom.harness.resizing import Window, is_exact, resize

sides = st.integers(1, 90)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(height * 1000 + width).integers(0, 256, shape, np.uint8)


@settings(max_examples=300, deadline=None)
@given(sides, sides, sides, sides, st.sampled_from([1, 3]), st.data())
def test_window_by_area_is_that_part_of_the_whole(
    height: int, width: int, to_height: int, to_width: int, channels: int, data: st.DataObject
):
    image = noise(height, width, channels)
    window_height, window_width = data.draw(st.integers(1, to_height)), data.draw(st.integers(1, to_width))
    top, left = data.draw(st.integers(0, to_height - window_height)), data.draw(st.integers(0, to_width - window_width))
    found = resize(image, to_height, to_width, "area", Window(top, left, window_height, window_width))
    whole = cv2.resize(image, (to_width, to_height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found, whole[top : top + window_height, left : left + window_width])


@pytest.mark.parametrize("is_the_same", [True, False])
@pytest.mark.parametrize("size", [(375, 500), (500, 375), (333, 500), (257, 256), (512, 512), (768, 513), (2000, 1500)])
def test_crop_of_imagenet_is_the_same_with_and_without_the_short_cut(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], is_the_same: bool
):
    monkeypatch.setattr(resizing, "is_exact", lambda: is_the_same)
    height, width = (int(256 * side / min(size)) for side in size)
    top, left = (height - 224) // 2, (width - 224) // 2
    found = resize(noise(*size), height, width, "area", Window(top, left, 224, 224))
    whole = cv2.resize(noise(*size), (width, height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found, whole[top : top + 224, left : left + 224])


def overlaps(many: int, few: int) -> np.ndarray:
    """How much of each of ``few`` pixels each of ``many`` makes up."""
    edges, starts = np.arange(many), np.arange(few)[:, np.newaxis] * many / few
    shared = np.minimum(edges + 1, starts + many / few) - np.maximum(edges, starts)
    return shared.clip(0) * few / many


def with_precise_sums(image: np.ndarray, height: int, width: int, window: Window) -> np.ndarray:
    down, across = overlaps(image.shape[0], height), overlaps(image.shape[1], width)
    sums = np.einsum("yx,hxc->hyc", across, np.einsum("hv,vxc->hxc", down, image, optimize=True), optimize=True)
    return window.of(np.rint(sums).astype(np.uint8))


def test_check_notices_sums_that_are_made_otherwise(monkeypatch: pytest.MonkeyPatch):
    image, window = noise(300, 360), Window(0, 0, 250, 300)
    closeness = with_precise_sums(image, 250, 300, window).astype(int) - resize(image, 250, 300, "area")
    assert np.abs(closeness).max() == 1
    monkeypatch.setattr(resizing, "_area_within", with_precise_sums)
    assert not is_exact.__wrapped__()


@pytest.mark.parametrize("interpolation", ["area", "linear", "pil-bilinear"])
def test_window_beyond_the_image_is_what_slicing_gives(interpolation: str):
    image = noise(60, 70)
    found = resize(image, 30, 40, interpolation, Window(-3, 10, 36, 20))
    assert np.array_equal(found, resize(image, 30, 40, interpolation)[-3:33, 10:30])


@pytest.mark.parametrize("interpolation", ["area", "linear", "pil-bilinear"])
def test_colours_of_bytes_are_resized_apart_from_one_another(interpolation: str):
    image = noise(375, 500)
    turned = resize(np.ascontiguousarray(image[:, :, ::-1]), 256, 341, interpolation)
    assert np.array_equal(turned[:, :, ::-1], resize(image, 256, 341, interpolation))
