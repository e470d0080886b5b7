"""ImageNet's images with label files of every form that users have, and as many samples as were asked for."""

import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from support.benchmark import record_of
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import ROOT, imagenet_folder, meta_of, overlay, planted_onnx

IMAGES, MODEL = 6, "model-resnet50-onnx-opset11"


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loom]:
    folder = tmp_path_factory.mktemp("labels")
    (folder / "served").mkdir()
    data = planted_onnx(meta_of(MODEL)["model"], 11, 123.68, 1.0)
    (folder / "served" / "model.onnx").write_bytes(data)
    repo = Repo(folder / "repo")
    with FileServer(folder / "served") as server:
        overlay(repo, MODEL, server.url("model.onnx"), data)
        yield Loom(folder / "home", repo)


def run(loom: Loom, folder: Path, *words: str, cwd: Path | None = None) -> Answer:
    flags = ("--dep_add_tags.model=resnet50,opset-11", f"--dataset_path={folder}", "--mode=accuracy")
    words = ("--json", "--quiet", *flags, "--threads=1", *words)
    return loom("run", "program:image-classification-onnx", *words, cwd=cwd)


def lines_of(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "val_map.txt").read_text().splitlines()]


def renamed(folder: Path) -> None:
    (folder / "val_map.txt").rename(folder / "val.txt")


def rewritten(form: str, *, before: str = "", after: str = "") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        lines = [form.format(name, label) for name, label in lines_of(folder)]
        (folder / "val_map.txt").write_bytes((before + "".join(lines) + after).encode())

    return change


def into_folders(folder: Path) -> None:
    """One folder for each class, named by the map."""
    lines = lines_of(folder)
    for name, label in lines:
        place = folder / f"n{int(label):08}"
        place.mkdir(exist_ok=True)
        (folder / name).rename(place / name)
    (folder / "val_map.txt").write_text("".join(f"n{int(label):08}/{name} {label}\n" for name, label in lines))


def other_names(folder: Path) -> None:
    lines = lines_of(folder)
    for name, label in lines:
        (folder / name).rename(folder / f"photo-{label}.jpg")
    (folder / "val_map.txt").write_text("".join(f"photo-{label}.jpg {label}\n" for _, label in lines))


FORMS: dict[str, Callable[[Path], None]] = {
    "val.txt beside the images": renamed,
    "two blanks": rewritten("{}  {}\n"),
    "tabs": rewritten("{}\t{}\n"),
    "trailing blanks": rewritten("{} {}  \t\n"),
    "carriage returns": rewritten("{} {}\r\n"),
    "a byte order mark": rewritten("{} {}\n", before="\ufeff"),
    "empty lines": rewritten("{} {}\n\n", after="\n\n"),
    "folders by class with a map": into_folders,
    "vertical tabs": rewritten("{}\v{}\n"),
    "form feeds": rewritten("{}\f{}\n"),
    "no-break spaces": rewritten("{}\u00a0{}\n"),
    "images of other names": other_names,
}


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_label_file_of_this_form_scores_what_is_right(loom: Loom, tmp_path: Path, change: Callable[[Path], None]):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    change(folder)
    accuracy = run(loom, folder).ok().json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (IMAGES, IMAGES)


@pytest.mark.parametrize("line", ["ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000002.JPEG one", "2 ILSVRC.JPEG"])
def test_line_that_cannot_be_read_says_what_is_accepted(loom: Loom, tmp_path: Path, line: str):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    lines = (folder / "val_map.txt").read_text().splitlines()
    (folder / "val_map.txt").write_text("\n".join([lines[0], line, *lines[2:]]))
    answer = run(loom, folder)
    assert answer.code == 2
    assert "val_map.txt:2" in answer.err
    assert "write one image per line" in answer.err


def test_count_prepares_and_requires_no_more_samples(loom: Loom, tmp_path: Path):
    """The list is longer than the folder: the first samples are enough if no more are asked for."""
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    for number in (5, 6):
        (folder / f"ILSVRC2012_val_{number:08}.JPEG").unlink()
    answer = run(loom, folder, "--count=4").ok()
    accuracy = answer.json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (4, 4)
    samples = next(node for node in record_of(answer)["plan"]["nodes"] if "samples" in node["roles"])
    assert samples["env"] == {"LOOM_INPUT_COUNT": "4"}
    size = sum(path.stat().st_size for path in (loom.home / "store").rglob(f"{samples['key']}*/**/samples.npy"))
    assert size == pytest.approx(4 * 3 * 224 * 224 * 4, abs=200)

    refused = run(loom, folder)
    assert refused.code == 2
    assert "2 of 6 images" in refused.err
    assert "building" not in refused.err


def test_count_above_what_is_there_says_both_numbers(loom: Loom, tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    answer = run(loom, folder, "--count=7")
    assert answer.code == 2
    assert "--count requests 7 samples, imagenet2012-val has 6" in answer.err


def test_variable_of_the_user_for_an_input_changes_no_samples(loom: Loom, tmp_path: Path):
    """Only what the key of the samples holds may change them: the next run would take what was made under it."""
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    flags = ("--dep_add_tags.model=resnet50,opset-11", f"--dataset_path={folder}", "--json", "--quiet")
    loom("install", "program:image-classification-onnx", *flags, LOOM_INPUT_COUNT="2").ok()
    assert run(loom, folder).ok().json["results"]["accuracy"]["total"] == IMAGES


# -- folders by class


def test_folder_in_a_folder_is_refused_before_anything_is_downloaded(tmp_path: Path):
    """Every image was of class 0, the place of the one folder that there is."""
    inner = imagenet_folder(tmp_path / "imagenet" / "val", images=IMAGES, wrong=0)
    (inner / "val_map.txt").unlink()
    other = Loom(tmp_path / "home")
    answer = run(other, inner.parent)
    assert answer.code == 2
    assert "1 folder cannot represent the 1000 classes of imagenet2012-val" in answer.err
    assert f"name the folder of the images itself ({inner.parent / '.' / 'val'})" in answer.err
    assert not list((other.home / "store").glob("entries/*"))


def test_folders_by_class_score_what_is_right_and_none_may_be_empty(tmp_path: Path):
    """A data set of the user's own: the digits in ten folders, without a label file."""
    repo = Repo(tmp_path / "repo")
    block = {"name": "foldered", "task": "image-classification", "layout": "imagenet", "images": "images"}
    facts = {**block, "labels": "", "count": 20, "classes": 10}
    top = repo.dataset("foldered", "dataset,image-classification,digits,foldered", dataset=facts) / "images"
    source = ROOT / "dataset" / "digits-val"
    for line in (source / "val_map.txt").read_text().splitlines()[:40]:
        name, label = line.split()
        (top / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "images" / name, top / label)
    assert len(list(top.iterdir())) == 10
    loom = Loom(tmp_path / "home", repo)
    words = ("--dep_add_tags.dataset=foldered", "--mode=accuracy", "--json", "--quiet")
    accuracy = loom("run", "program:image-classification-onnx", *words).ok().json["results"]["accuracy"]
    assert accuracy["correct"] >= 38
    assert accuracy["total"] == 40
    for path in (top / "3").iterdir():
        path.unlink()
    answer = loom("run", "program:image-classification-onnx", *words)
    assert answer.code == 2
    assert "1 of 10 folders by class are empty\n" in answer.err
    assert "why: 3\n" in answer.err
    (top / "3").rmdir()
    answer = loom("run", "program:image-classification-onnx", *words)
    assert answer.code == 2
    assert "9 folders cannot represent the 10 classes of foldered" in answer.err


# -- a label file named on the command line


@pytest.mark.parametrize("has_map", [True, False])
def test_label_file_that_is_named_is_used(loom: Loom, tmp_path: Path, has_map: bool):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=IMAGES)
    right = tmp_path / "right.txt"
    right.write_text("".join(f"{name} {int(label) - 1}\n" for name, label in lines_of(folder)))
    if has_map:
        assert run(loom, folder).ok().json["results"]["accuracy"]["correct"] == 0
    else:
        (folder / "val_map.txt").unlink()
    answer = run(loom, folder, "--labels_path=../right.txt" if has_map else f"--labels_path={right}", cwd=folder).ok()
    accuracy = answer.json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (IMAGES, IMAGES)
    assert accuracy["official_command"][4] == str(right)
    digest = f"sha256:{sha256(right.read_bytes()).hexdigest()}"
    assert record_of(answer)["inputs"]["soft:dataset.imagenet.val"] == digest


def test_key_of_samples_holds_the_content_of_the_label_file_that_is_named(loom: Loom, tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    one, same, other = (tmp_path / name for name in ("one.txt", "same.txt", "other.txt"))
    for path in (one, same, other):
        path.write_text((folder / "val_map.txt").read_text())
    other.write_text(other.read_text().replace(" 3\n", " 4\n"))

    def key(path: Path) -> str:
        flags = ("--dep_add_tags.model=resnet50,opset-11", f"--dataset_path={folder}", f"--labels_path={path}")
        return (
            loom("plan", "program:image-classification-onnx", *flags, "--json", "--quiet").ok().node("samples")["key"]
        )

    assert key(one) == key(same) != key(other)
    before = key(one)
    one.write_text(other.read_text())
    assert key(one) == key(other) != before


@pytest.mark.parametrize(("name", "words"), [("none.txt", "does not exist"), (".", "is not a file")])
def test_label_file_that_cannot_be_one_is_refused(loom: Loom, tmp_path: Path, name: str, words: str):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    answer = run(loom, folder, f"--labels_path={folder / name}")
    assert answer.code == 2
    assert words in answer.err
    assert "--labels_path" in answer.err


def test_only_image_of_a_folder_is_found_by_its_folder(loom: Loom, tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=1, wrong=0)
    labels = (folder / "val_map.txt").rename(tmp_path / "mine.txt")
    accuracy = run(loom, folder, f"--labels_path={labels}").ok().json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (1, 1)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("LOOM_INPUT_LABELS_PATH=/dev/null", "the samples were prepared with the labels of"),
        ("LOOM_INPUT_COUNT=500", f"--count requests 500 samples, soft:dataset.imagenet.val has {IMAGES}"),
    ],
)
def test_input_that_reaches_the_program_alone_is_refused_if_the_samples_are_others(
    loom: Loom, tmp_path: Path, variable: str, words: str
):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    answer = run(loom, folder, f"--env.{variable}")
    assert answer.code == 2
    assert words in answer.err


# -- images that are missing


def test_missing_images_are_skipped_if_that_is_asked_for(loom: Loom, tmp_path: Path):
    folder = imagenet_folder(tmp_path / "imagenet", images=IMAGES, wrong=0)
    for number in (2, 5):
        (folder / f"ILSVRC2012_val_{number:08}.JPEG").unlink()
    refused = run(loom, folder)
    assert refused.code == 2
    assert "--allow_missing_images" in refused.err
    answer = run(loom, folder, "--allow_missing_images", "--ruleset=mlperf-inference-1.0").ok()
    results = answer.json["results"]
    accuracy = results["accuracy"]
    assert (accuracy["correct"], accuracy["total"], results["missing_images"]) == (4, 4, 2)
    assert accuracy["official_command"] == []  # it would take the labels of other images
    assert "2 images are missing and were skipped (--allow_missing_images)" in [
        item["text"] for item in results["blockers"]
    ]
    names = "ILSVRC2012_val_00000002.JPEG, ILSVRC2012_val_00000005.JPEG"
    assert f"2 images are missing and were skipped: {names}" in results["notes"]
    first = run(loom, folder, "--allow_missing_images", "--count=3").ok().json["results"]
    assert (first["accuracy"]["correct"], first["accuracy"]["total"], first["missing_images"]) == (3, 3, 1)
    whole = run(loom, folder, "--allow_missing_images", "--count=1").ok().json["results"]
    assert whole["missing_images"] == 0
