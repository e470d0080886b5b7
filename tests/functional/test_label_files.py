"""ImageNet's images with label files of every form that users have, and as many samples as were asked for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.benchmark import record_of
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, planted_onnx

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


def run(loom: Loom, folder: Path, *words: str) -> Answer:
    flags = ("--dep_add_tags.model=resnet50,opset-11", f"--dataset_path={folder}", "--mode=accuracy")
    return loom("run", "program:image-classification-onnx", "--json", "--quiet", *flags, "--threads=1", *words)


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


def folders_without_a_map(folder: Path) -> None:
    into_folders(folder)
    (folder / "val_map.txt").unlink()


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
    "folders by class without one": folders_without_a_map,
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
    assert "write one image a line" in answer.err


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
