"""Detections: from a network's outputs to LoadGen's records, and from its accuracy log to mAP."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchloom.errors import ExecutionError, InputError
from benchloom.harness.decoding import decode
from benchloom.harness.detection import in_categories, mean_average_precision, read_detections
from benchloom.harness.inputs import Inputs, Samples
from benchloom.harness.preprocess import list_samples
from benchloom.harness.tasks import object_detection
from benchloom.harness.tasks.object_detection import BOX, Detector
from benchloom.model.facts import Backend, Dataset, Detections, Model, Profile, Step, Tensor

SIZES = [(200, 100), (80, 120), (64, 64), (50, 50)]
CATEGORIES = [3, 7, 90]
PROFILE = Profile(name="p", steps=(Step(op="decode", colour="rgb"),), shape=(1,), dtype="uint8")


class Fixed:
    """A network that answers sample i with the outputs of row i."""

    name, version = "fixed", "1"

    def __init__(self, *outputs: np.ndarray) -> None:
        self.outputs = outputs

    def run(self, tensors: list[np.ndarray]) -> list[np.ndarray]:
        return [output[tensors[0][:, 0]] for output in self.outputs]

    def settings(self) -> dict[str, str | int | float | bool | None]:
        return {}


def boxes() -> np.ndarray:
    """Two boxes a sample, as ymin, xmin, ymax, xmax."""
    rows = [[[0.1, 0.2, 0.5, 0.6], [0.5, 0.5, 0.9, 1.0]] for _ in SIZES]
    return np.array(rows, np.float32)


def detector(
    *outputs: np.ndarray,
    meanings: str = "boxes,labels,scores",
    categories: tuple[int, ...] = tuple(CATEGORIES),
    **facts: Any,
) -> Detector:
    source = Tensor(name="x", shape=("N", 1), dtype="int64")
    model = Model(
        name="m",
        task="object-detection",
        format="onnx",
        precision="fp32",
        inputs=(source,),
        outputs=tuple(Tensor(name=name, meaning=name) for name in meanings.split(",")),
        detections=Detections(**{"order": "yxyx", **facts}),
    )
    samples = Samples((np.arange(len(SIZES)).reshape(-1, 1),))
    inputs = Inputs(model, "", Backend(name="x"), "d", samples, np.arange(len(SIZES)), categories=categories)
    made = object_detection.predictor(Fixed(*outputs), inputs, len(SIZES))
    assert isinstance(made, Detector)
    return made


def answers(made: Detector, *indexes: int) -> list[np.ndarray]:
    records, sizes = made.answers(indexes)
    assert records.dtype == np.float32
    assert sum(sizes) == len(records)
    return [item.reshape(-1, BOX) for item in np.split(records, np.cumsum(sizes)[:-1])]


LABELS = np.array([[1, 3]] * 4)
SCORES = np.array([[0.9, 0.4]] * 4, np.float32)


def test_detector_writes_index_corners_score_and_category_of_each_box():
    [one, other] = answers(detector(boxes(), LABELS, SCORES), 2, 0)
    assert one[0].tolist() == pytest.approx([2, 0.1, 0.2, 0.5, 0.6, 0.9, 1])
    assert other[1].tolist() == pytest.approx([0, 0.5, 0.5, 0.9, 1.0, 0.4, 3])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"order": "xyxy"}, [0, 0.2, 0.1, 0.6, 0.5, 0.9, 1]),
        ({"scale": 0.5}, [0, 0.2, 0.4, 1.0, 1.2, 0.9, 1]),
        ({"labels": "index"}, [0, 0.1, 0.2, 0.5, 0.6, 0.9, 1]),  # the log has the model's own labels
    ],
)
def test_detector_does_what_its_facts_say(facts: dict[str, Any], expected: list[float]):
    assert answers(detector(boxes(), LABELS, SCORES, **facts), 0)[0][0].tolist() == pytest.approx(expected)


def test_detector_divides_pixels_by_the_side_of_its_input():
    [record] = answers(detector(boxes() * 300, LABELS, SCORES, scale=300.0), 0)
    assert record[0].tolist() == pytest.approx([0, 0.1, 0.2, 0.5, 0.6, 0.9, 1])


def test_detector_stops_at_the_first_score_below_the_threshold():
    scores = np.array([[0.9, 0.4], [0.2, 0.9], [0.5, 0.5], [0.1, 0.1]], np.float32)
    found = answers(detector(boxes(), LABELS, scores, threshold=0.5), 0, 1, 2, 3)
    assert [len(item) for item in found] == [1, 0, 2, 0]


def test_detector_takes_as_many_boxes_as_the_network_counts():
    counts = np.array([2.0, 1.0, 0.0, 2.0], np.float32)
    made = detector(counts, boxes(), SCORES, LABELS, meanings="count,boxes,scores,labels")
    assert [len(item) for item in answers(made, 0, 1, 2, 3)] == [2, 1, 0, 2]


def test_detector_for_one_sample_may_leave_the_batch_out():
    class One(Fixed):
        def run(self, tensors: list[np.ndarray]) -> list[np.ndarray]:
            return [output[int(tensors[0][0, 0])] for output in self.outputs]

    made = detector(boxes(), LABELS, SCORES)
    made.session = One(boxes(), LABELS, SCORES)
    assert answers(made, 3)[0][:, 0].tolist() == [3, 3]


def test_detector_refuses_what_its_facts_do_not_fit():
    with pytest.raises(InputError, match="no output of m is its scores"):
        detector(boxes(), LABELS, meanings="boxes,labels")
    with pytest.raises(InputError, match=r"boxes are \[2, 2\] for 2 samples"):
        answers(detector(LABELS, boxes(), SCORES), 0, 1)


@pytest.mark.parametrize(
    ("labels", "scores", "told"),
    [
        (LABELS, SCORES * 100, "its scores range from 40 to 90"),
        (LABELS, SCORES - 1, "probabilities are between 0 and 1"),
        (LABELS, np.array([[0.9, -0.5]] * 4, np.float32), "its scores range from -0.5 to 0.9"),
        (SCORES, LABELS.astype(np.float32), "its scores range from 1 to 3"),
        (SCORES, np.ones((4, 2), np.float32), "are not all non-negative whole numbers"),
    ],
)
def test_detector_whose_outputs_mean_something_else_is_refused_on_the_first_sample(
    labels: np.ndarray, scores: np.ndarray, told: str
):
    with pytest.raises(InputError, match="contradict its facts") as caught:
        answers(detector(boxes(), labels, scores), 0)
    assert told in caught.value.why[0]


@pytest.mark.parametrize(
    ("factor", "scale", "told"),
    [
        (300, 1.0, "its boxes extend to 300, the facts state fractions of the image"),
        (1, 300.0, "its boxes extend to 1, so they are fractions of the image; the facts state coordinates up to 300"),
        (1200, 300.0, "its boxes extend to 1200, the facts state coordinates up to 300"),
    ],
)
def test_detector_whose_boxes_are_of_another_unit_is_refused_on_the_first_sample(
    factor: float, scale: float, told: str
):
    with pytest.raises(InputError, match="contradict its facts") as caught:
        answers(detector(boxes() * np.float32(factor), LABELS, SCORES, scale=scale), 0)
    assert caught.value.why == (told,)


@pytest.mark.parametrize("meanings", list(permutations(("boxes", "labels", "scores"))), ids=",".join)
def test_detector_with_any_outputs_exchanged_is_refused(meanings: tuple[str, ...]):
    made = detector(boxes(), LABELS, SCORES, meanings=",".join(meanings))
    if meanings == ("boxes", "labels", "scores"):
        assert len(answers(made, 0, 1)) == 2
        return
    for size in (1, 2):
        with pytest.raises(InputError) as caught:
            answers(made, *range(size))
        assert caught.value.where.startswith("model.outputs")


def test_detector_whose_count_is_another_output_is_refused():
    made = detector(LABELS, boxes(), SCORES, LABELS, meanings="count,boxes,scores,labels")
    with pytest.raises(InputError, match="counts of boxes are"):
        answers(made, 0, 1)
    made = detector(np.array([np.nan] * 4), boxes(), SCORES, LABELS, meanings="count,boxes,scores,labels")
    with pytest.raises(InputError, match=r"counts of boxes are \[nan\]"):
        answers(made, 0)
    made = detector(boxes(), LABELS[:, :1], SCORES)
    with pytest.raises(InputError, match="outputs are inconsistent"):
        answers(made, 0)


def test_places_without_a_box_may_hold_anything():
    """Zeros, -1 as a score, NaN behind the count or the threshold: none of it is scored."""
    scores = np.array([[0.9, -1], [0.9, np.nan], [-1, -1], [0, 0]], np.float32)
    wild = boxes()
    wild[:, 1], wild[2:] = np.nan, 0
    counts = np.array([1, 1, 0, 0])
    made = detector(counts, wild, scores, LABELS, meanings="count,boxes,scores,labels", threshold=0.05)
    made.check_responses()
    assert [len(item) for item in answers(made, 0, 1, 2, 3)] == [1, 1, 0, 0]
    behind = detector(wild, LABELS, np.array([[0.9, 0.01], [0.01, np.nan]] * 2, np.float32), threshold=0.05)
    behind.check_responses()
    assert [len(item) for item in answers(behind, 0, 1)] == [1, 0]
    assert [len(item) for item in answers(detector(boxes() * 0, LABELS, SCORES * 0, scale=300.0), 0)] == [2]


@pytest.mark.parametrize("part", ["boxes", "labels", "scores"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_detections_that_are_not_numbers_end_the_accuracy_run_with_the_sample(part: str, value: float):
    outputs = {"boxes": boxes(), "labels": LABELS.astype(np.float32), "scores": SCORES.copy()}
    outputs[part][2, 0] = value
    made = detector(*outputs.values())
    made.check_responses()
    answers(made, 0, 1)
    with pytest.raises(ExecutionError, match="the model's output for sample 2 is not a number") as caught:
        answers(made, 1, 2, 3)
    assert caught.value.where == "sample 2"


def test_labels_that_count_categories_are_mapped_when_they_are_scored():
    made = detector(boxes(), LABELS, SCORES, labels="index")
    inputs = made._inputs
    [record] = in_categories(answers(made, 0), inputs)
    assert record[:, 6].tolist() == [3, 90]
    with pytest.raises(InputError, match="gives label 4, which is not a category of d") as caught:
        in_categories(answers(detector(boxes(), LABELS + 1, SCORES, labels="index"), 0), inputs)
    assert "3 categories with ids 3 to 90" in caught.value.why[1]
    assert caught.value.why[2:] == (
        "the labels of all boxes are between 2 and 4",
        "with 1 taken from each of them, all would be between 1 and 3",
    )
    as_ids = detector(boxes(), LABELS + 90, SCORES)
    with pytest.raises(InputError, match="gives label 91, which is not a category"):
        in_categories(answers(as_ids, 0), as_ids._inputs)
    from_0 = detector(boxes(), LABELS - 1, SCORES, labels="index")
    with pytest.raises(InputError, match="gives label 0") as caught:
        in_categories(answers(from_0, 0), from_0._inputs)
    assert caught.value.why[-1] == "with 1 added to each of them, all would be between 1 and 3"
    assert in_categories(answers(from_0, 0), from_0._inputs, 1)[0][:, 6].tolist() == [3, 90]
    empty = detector(boxes(), LABELS * 0, SCORES * 0, labels="index")
    assert in_categories(answers(empty, 0), empty._inputs)[0][:, 6].tolist() == [0, 0]


def test_nothing_annotated_is_no_accuracy(tmp_path: Path):
    path = annotations(tmp_path, annotations=[])
    assert mean_average_precision(found(), IDS, path) is None
    scored = object_detection.score(log(tmp_path, found()), inputs_of(tmp_path, path), tmp_path)
    assert (scored.values, scored.metric, scored.total) == ({}, "mAP", 4)
    assert "the 4 images have no annotated objects" in scored.problem
    assert mean_average_precision(found()[3:], IDS[3:], annotations(tmp_path)) is None


# -- accuracy ---------------------------------------------------------------------------------------------------------


def annotations(folder: Path, **changes: Any) -> Path:
    """Write annotations of four images, the last without objects."""
    images = [{"id": 10 * i, "file_name": f"{i}.jpg", "width": w, "height": h} for i, (w, h) in enumerate(SIZES)]
    objects = []
    for image in images[:3]:
        w, h = image["width"], image["height"]
        for category, (top, left, bottom, right) in zip((3, 90), boxes()[0].tolist(), strict=True):
            box = [left * w, top * h, (right - left) * w, (bottom - top) * h]
            objects.append({"image_id": image["id"], "category_id": category, "bbox": box, "area": box[2] * box[3]})
    found = {
        "images": images,
        "annotations": [{"id": number, "iscrowd": 0, **item} for number, item in enumerate(objects, 1)],
        "categories": [{"id": number, "name": f"c{number}"} for number in CATEGORIES],
        **changes,
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(found))
    return path


def log(folder: Path, records: list[np.ndarray]) -> Path:
    lines = [{"seq_id": i, "qsl_idx": i, "data": item.tobytes().hex().upper()} for i, item in enumerate(records)]
    (folder / "mlperf_log_accuracy.json").write_text(json.dumps(lines))
    return folder


IDS = [0, 10, 20, 30]


def inputs_of(folder: Path, path: Path) -> Inputs:
    """What scoring needs of a run over the four images: labels are category ids."""
    model = detector(boxes(), LABELS, SCORES)._inputs.model
    samples = Samples((np.zeros((4, 1)),))
    ids = np.array(IDS)
    return Inputs(
        model, "", Backend(name="x"), "d", samples, ids, categories=tuple(CATEGORIES), annotations=path, images=folder
    )


def found(shift: float = 0.0, last: int = 0) -> list[np.ndarray]:
    """Detections of both objects, the corners of the first ``shift`` off, in all images but the last."""
    moved = boxes()
    moved[:, 0] += shift
    records = answers(detector(moved, np.array([[3, 90]] * 4), SCORES), 0, 1, 2, 3)
    return [*records[:3], records[3][:last]]


def test_map_of_perfect_detections_is_one(tmp_path: Path):
    detections = read_detections(log(tmp_path, found()), IDS)
    assert mean_average_precision(detections, IDS, annotations(tmp_path)) == pytest.approx(1.0)


@pytest.mark.parametrize("shift", [0.02, 0.05, 0.3])
def test_map_equals_pycocotools_by_hand_on_the_log_alone(tmp_path: Path, shift: float):
    path = annotations(tmp_path)
    records = found(shift, last=1)
    ours = mean_average_precision(read_detections(log(tmp_path, records), IDS), IDS, path)
    rows = []
    for record, (width, height), image in zip(records, SIZES, IDS, strict=True):
        for _, y1, x1, y2, x2, score, category in record.tolist():
            box = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
            rows.append({"image_id": image, "category_id": int(category), "bbox": box, "score": score})
    truth = COCO(str(path))
    judge = COCOeval(truth, truth.loadRes(rows), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert ours == float(judge.stats[0])
    assert 0 < judge.stats[0] < 1
    scored = object_detection.score(tmp_path, inputs_of(tmp_path, path), tmp_path)
    assert (scored.metric, scored.values, scored.total) == ("mAP", {"mAP": ours}, 4)


def test_keys_that_may_be_absent_change_no_figure(tmp_path: Path):
    path = annotations(tmp_path)
    wanted = mean_average_precision(found(0.05), IDS, path)
    content = json.loads(path.read_text())
    for item in content["annotations"]:
        del item["iscrowd"], item["area"]
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    assert mean_average_precision(found(0.05), IDS, path) == wanted


def test_model_that_counts_categories_needs_them_in_the_order_of_their_ids():
    with pytest.raises(InputError, match="lists them in a different order"):
        detector(boxes(), LABELS, SCORES, labels="index", categories=(7, 3, 90))


def test_map_counts_only_the_images_that_were_run(tmp_path: Path):
    path = annotations(tmp_path)
    assert mean_average_precision(found()[:1], IDS[:1], path) == pytest.approx(1.0)
    assert mean_average_precision([found()[0], *[np.empty((0, BOX), np.float32)] * 3], IDS, path) < 0.5


def test_map_without_any_box_is_zero(tmp_path: Path):
    nothing = [np.empty((0, BOX), np.float32)] * 4
    assert mean_average_precision(read_detections(log(tmp_path, nothing), IDS), IDS, annotations(tmp_path)) == 0.0


def test_detections_of_a_log_that_lacks_images_or_ends_early_are_refused(tmp_path: Path):
    with pytest.raises(ExecutionError, match="lacks 1 of 4"):
        read_detections(log(tmp_path, found()[:3]), IDS)
    with pytest.raises(ExecutionError, match="sample 0 is truncated"):
        read_detections(log(tmp_path, [np.zeros(6, np.float32)]), IDS[:1])


# -- the data set -----------------------------------------------------------------------------------------------------

DATASET = Dataset(
    name="trial", task="object-detection", layout="coco", images="images", labels="annotations.json", count=4, classes=3
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    annotations(tmp_path)
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(b"x")
    return tmp_path


def test_samples_are_the_annotated_images_in_their_order(root: Path):
    samples = list_samples(DATASET, root, PROFILE)
    assert [path.name for path in samples.files] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert (samples.labels.tolist(), samples.categories) == (IDS, tuple(CATEGORIES))


def test_samples_without_objects_are_left_out_where_the_profile_says_so(root: Path):
    profile = Profile(name="p", steps=PROFILE.steps, shape=(1,), dtype="uint8", only_with_objects=True)
    assert list_samples(DATASET, root, profile).labels.tolist() == IDS[:3]


def test_images_that_are_missing_or_empty_are_counted_and_named(root: Path):
    (root / "images" / "1.jpg").unlink()
    (root / "images" / "2.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="2 of 4 images") as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.why == ("1 missing: 1.jpg", "1 empty: 2.jpg")


def image(number: int, name: str, width: int = 10) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": width, "height": 10}


def one_object(**changes: Any) -> dict[str, Any]:
    return {"annotations": [{"id": 1, "image_id": 0, "category_id": 3, "bbox": [1, 1, 5, 5], **changes}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": []}, "they list no images"),
        (
            {"categories": [{"id": 3, "name": "a"}, {"id": 3, "name": "b"}]},
            "categories[0] and categories[1] both have the id 3",
        ),
        ({"images": [image(1, "a"), image(2, "b"), image(2, "c")]}, "images[1] and images[2] both have the id 2"),
        ({"images": [image(1, "a"), image(2, "./a")]}, "images[0] (id 1) and images[1] (id 2) both are the file a"),
        ({"images": [image(1, "../a.jpg")]}, "leads outside the folder of images"),
        ({"images": [image(1, "a", width=0)]}, "Expected `int` >= 1 - at `$.images[0].width`"),
        ({"categories": [{"id": 3, "name": "a"}]}, "not listed"),
        ({"annotations": [{"id": 1, "image_id": 99, "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "not listed"),
        (
            {"annotations": [{"id": 1, "image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]}] * 2},
            "annotations[0] and annotations[1] both have the id 1, so pycocotools would count them once",
        ),
        (
            {"annotations": [{"id": 0, "image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]}]},
            "annotations[0] (id 0): pycocotools treats the id 0 as no match",
        ),
        (one_object(bbox=[0, 0, -1, 1]), "annotations[0] (id 1): its box [0.0, 0.0, -1.0, 1.0] has no area"),
        (one_object(bbox=[10, 10, 0, 5]), "has no area"),
        (one_object(bbox=[10, 10, 5, 0]), "has no area"),
        (one_object(bbox=[190, 10, 12, 5]), "is outside image 0 of 200 x 100"),
        (one_object(bbox=[10, 90, 5, 12]), "is outside image 0 of 200 x 100"),
        (one_object(bbox=[-2, 10, 5, 5]), "is outside image 0 of 200 x 100"),
        (one_object(bbox=[0.1, 0.2, 0.5, 0.6]), "every box is within the first pixel of its image"),
        (one_object(iscrowd=None), "Expected `int`, got `null` - at `$.annotations[0].iscrowd`"),
        (one_object(iscrowd="0"), "Expected `int`, got `str` - at `$.annotations[0].iscrowd`"),
        (one_object(iscrowd=2), "Invalid enum value 2 - at `$.annotations[0].iscrowd`"),
        (one_object(area=None), "Expected `float`, got `null` - at `$.annotations[0].area`"),
        (one_object(area="12"), "Expected `float`, got `str` - at `$.annotations[0].area`"),
        (one_object(area=-1), "its area is -1, which pycocotools would not score"),
        ({"annotations": [{"id": 1, "image_id": 0, "category_id": 3}]}, "missing required field `bbox`"),
        ({"annotations": [{"image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "missing required field `id`"),
        ({"annotations": [{"id": "1", "image_id": 0, "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "Expected `int`"),
        ({"annotations": [{"id": 1, "image_id": 0, "category_id": 3.5, "bbox": [0, 0, 1, 1]}]}, "Expected `int`"),
        ({"annotations": [{"image_id": "x"}]}, "Expected"),
    ],
)
def test_annotations_that_do_not_fit_together_are_refused(root: Path, changes: dict[str, Any], said: str):
    annotations(root, **changes)
    with pytest.raises(InputError) as caught:
        list_samples(DATASET, root, PROFILE)
    assert said in " ".join(caught.value.why)
    assert str(root / "annotations.json") in caught.value.where
    assert caught.value.fix


def test_boxes_that_are_rounded_to_whole_pixels_may_reach_one_beyond_the_image(root: Path):
    annotations(root, **one_object(bbox=[-0.5, 0, 201, 101], area=20301))
    assert len(list_samples(DATASET, root, PROFILE).files) == 4


def picture(path: Path, width: int, height: int, orientation: int = 1) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height)).save(path, exif=exif)


def test_size_that_is_exchanged_in_the_annotations_is_refused(root: Path):
    picture(root / "images" / "0.jpg", 200, 100)
    picture(root / "images" / "1.jpg", 120, 80)
    with pytest.raises(InputError, match="1 of 4 images differ in size") as caught:
        list_samples(DATASET, root, PROFILE)
    assert caught.value.why == ("1.jpg is 120 x 80, stated as 80 x 120",)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_size_of_an_image_that_exif_turns_is_the_one_that_it_has_when_it_is_decoded(root: Path, orientation: int):
    path = root / "images" / "0.jpg"
    picture(path, 100, 200, orientation)
    assert decode(path, "bgr").shape == (100, 200, 3)  # 200 x 100, as the annotations say
    assert len(list_samples(DATASET, root, PROFILE).files) == 4
    picture(path, 200, 100, orientation)
    with pytest.raises(InputError, match="differ in size") as caught:
        list_samples(DATASET, root, PROFILE)
    turned = f"0.jpg is 100 x 200 when it is decoded as its EXIF orientation ({orientation}) says, stated as 200 x 100"
    assert caught.value.why == (turned,)


def test_images_that_are_not_there_are_skipped_if_that_is_allowed(root: Path):
    (root / "images" / "1.jpg").unlink()
    samples = list_samples(DATASET, root, PROFILE, allow_missing=True)
    assert (samples.labels.tolist(), samples.missing) == ([0, 20, 30], ("1.jpg",))
    first = list_samples(DATASET, root, PROFILE, 1, allow_missing=True)
    assert (first.labels.tolist(), first.missing) == ([0], ())
    (root / "images" / "2.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="1 of 3 images"):
        list_samples(DATASET, root, PROFILE, allow_missing=True)


def test_more_samples_than_there_are_are_refused(root: Path):
    with pytest.raises(InputError, match="--count requests 5 samples, trial has 4") as caught:
        list_samples(DATASET, root, PROFILE, 5)
    assert "--count=4" in caught.value.fix
    profile = Profile(name="p", steps=PROFILE.steps, shape=(1,), dtype="uint8", only_with_objects=True)
    with pytest.raises(InputError, match="--count requests 4 samples, trial has 3"):
        list_samples(DATASET, root, profile, 4)


def test_annotations_that_are_no_json_or_absent_are_refused(root: Path):
    (root / "annotations.json").write_text('{"images": [')
    with pytest.raises(InputError, match="not JSON"):
        list_samples(DATASET, root, PROFILE)
    (root / "annotations.json").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list_samples(DATASET, root, PROFILE)
