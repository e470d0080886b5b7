"""ImageNet's images and labels: packages on stand-in archives of the same layout, folders of one's own, whole and damaged."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.benchmark import run
from support.repo import Answer, Loom, Repo
from support.served import tar
from support.server import FileServer
from support.standin import ROOT, imagenet_folder, overlay, planted_onnx

IMAGES = 12
AUX_MEMBERS = (
    *("det_synset_words.txt", "synset_words.txt", "synsets.txt", "train.txt", "test.txt"),
    *("imagenet_mean.binaryproto", "imagenet.bet.pickle"),
)
MODEL = "model-resnet50-onnx-opset11"
RESNET = "--dep_add_tags.model=resnet50,opset-11"


def meta_of(alias: str) -> dict[str, Any]:
    return json.loads((ROOT / "package" / alias / ".cm" / "meta.json").read_text())


class Site:
    """A server of stand-ins, and a repository whose packages are the checkout's with its addresses and their digests."""

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.server, self.folder = server, folder
        self.repo = Repo(folder / "repo", priority=1)
        self.loom = Loom(folder / "home", self.repo)

    def serve(self, alias: str, files: dict[str, bytes]) -> None:
        """Serve one file for each download of ``alias``, by the name of its variation ('' for none)."""
        meta = meta_of(alias)
        tags = meta.pop("tags")
        tables = {"": meta} if "fetch" in meta else meta["variations"]
        assert set(tables) == set(files)
        for name, table in tables.items():
            (fetch,) = table["fetch"]
            digest = hashlib.new(fetch["digest"].partition(":")[0], files[name], usedforsecurity=False).hexdigest()
            place = f"{alias}-{name}-{fetch['filename']}"
            (self.server.folder / place).write_bytes(files[name])
            fetch |= {"url": self.server.url(place), "digest": f"{fetch['digest'].partition(':')[0]}:{digest}"}
            fetch.pop("mirrors", None)
        self.repo.entry("package", alias, ",".join(tags), **meta)

    def serve_all(self, images: Path) -> None:
        """Serve model, images and labels, as made by imagenet_folder."""
        data = planted_onnx(meta_of(MODEL)["model"], 11, 123.68, 1.0)
        (self.server.folder / "model.onnx").write_bytes(data)
        overlay(self.repo, MODEL, self.server.url("model.onnx"), data)
        labels = (
            images / "val_map.txt"
        ).read_text() + "ILSVRC2012_val_00000013.JPEG 7\nILSVRC2012_val_00000014.JPEG 8\n"
        self.serve_labels(labels)
        images_tar = tar("", **{path.name: path.read_bytes() for path in sorted(images.glob("*.JPEG"))})
        self.serve("imagenet-2012-val-min", {"": images_tar})

    def serve_labels(self, labels: str) -> None:
        members = {name: name.encode() for name in AUX_MEMBERS}
        aux = {
            name: tar("gz", **{**members, "val.txt": labels.encode(), "synsets.txt": name.encode()})
            for name in ("from.dividiti", "from.berkeley")
        }
        self.serve("imagenet-2012-aux", aux)

    def run(self, *words: str) -> Answer:
        return run(RESNET, "--mode=accuracy", *words, loom=self.loom)

    @property
    def entries(self) -> list[str]:
        """Labels of what the store holds; fails where something half made lies beside it."""
        store = self.loom.home / "store"
        assert not list((store / "stage").glob("*"))
        return [json.loads(path.read_text())["label"] for path in store.glob("entries/*/entry.json")]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return imagenet_folder(tmp_path / "images", images=IMAGES, wrong=3)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    served = tmp_path / "served"
    served.mkdir()
    with FileServer(served) as server:
        yield Site(tmp_path, server)


# -- packages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", "ILSVRC2012_img_val_500/"])
def test_subset_is_downloaded_and_joined_with_its_labels(site: Site, images: Path, inside: str):
    site.serve_all(images)
    files = {f"{inside}{path.name}": path.read_bytes() for path in sorted(images.glob("*.JPEG"))}
    site.serve("imagenet-2012-val-min", {"": tar("", **files)})
    results = site.run("--dep_add_tags.dataset=_size.500").ok().json["results"]
    assert (results["accuracy"]["correct"], results["accuracy"]["total"]) == (IMAGES - 3, IMAGES)
    assert results["dataset"] == "script:imagenet-val-labelled"
    shutil.rmtree(site.server.folder)
    assert site.run("--dep_add_tags.dataset=_size.500", "--offline").ok().json["results"]["accuracy"]["total"] == IMAGES


def test_subset_is_downloaded_only_where_it_is_asked_for(site: Site, images: Path):
    site.serve_all(images)
    answer = site.run()
    assert answer.code == 3
    assert "it was not found on this machine" in answer.err
    assert site.server.log == []


def test_part_of_the_set_is_never_valid_for_a_submission(site: Site, images: Path):
    site.serve_all(images)
    words = ("--ruleset=mlperf-inference-1.0", "--dep_add_tags.dataset=_size.500")
    results = site.run(*words).ok().json["results"]
    assert results["submission_valid"] is False
    assert f"{IMAGES} samples were used, the whole data set has 50000" in [item["text"] for item in results["blockers"]]


@pytest.mark.parametrize("origin", ["from.dividiti", "from.berkeley"])
def test_aux_package_brings_every_label_file_of_its_origin(site: Site, origin: str):
    site.serve_labels("ILSVRC2012_val_00000001.JPEG 65\n")
    chosen = "" if origin == "from.dividiti" else f",_{origin}"
    (node,) = site.loom("install", f"--tags=imagenet,2012,aux{chosen}", "--json", "--quiet").ok().json["nodes"]
    place = Path(node["path"])
    assert place.read_text() == "ILSVRC2012_val_00000001.JPEG 65\n"
    assert {path.name for path in place.parent.iterdir()} == {*AUX_MEMBERS, "val.txt"}
    assert (place.parent / "synsets.txt").read_text() == origin


@pytest.mark.parametrize(
    ("alias", "tags", "text"),
    [
        ("imagenet-2012-calibration", "calibration,imagenet", "option 1"),
        ("imagenet-2012-calibration", "calibration,imagenet,_mlperf.option1", "option 1"),
        ("imagenet-2012-calibration", "calibration,imagenet,_mlperf.option2", "option 2"),
        ("coco-2017-calibration", "calibration,coco", "coco"),
    ],
)
def test_calibration_list_is_fetched_by_digest(site: Site, alias: str, tags: str, text: str):
    served = (
        {"": b"coco"} if alias.startswith("coco") else {f"mlperf.option{n}": f"option {n}".encode() for n in (1, 2)}
    )
    site.serve(alias, served)
    (node,) = site.loom("install", f"--tags={tags}", "--json", "--quiet").ok().json["nodes"]
    place = Path(node["path"])
    (file,) = [place] if place.is_file() else place.iterdir()
    assert file.read_text() == text
    for path in site.server.folder.iterdir():
        path.write_bytes(b"something else")
    other = Loom(site.folder / "other home", site.repo)
    assert other("install", f"--tags={tags}", "--json", "--quiet").code == 5


def test_downloads_of_the_packages_are_those_that_were_published():
    found = {}
    for alias in ("imagenet-2012-val-min", "imagenet-2012-aux", "imagenet-2012-calibration", "coco-2017-calibration"):
        meta = meta_of(alias)
        for name, table in ({"": meta} if "fetch" in meta else meta["variations"]).items():
            found[alias, name] = (table["fetch"][0]["filename"], table["fetch"][0]["digest"])
    assert found == {
        ("imagenet-2012-val-min", ""): ("ILSVRC2012_img_val_500.tar", "md5:8627befdd8c2bcf305729020e9db354e"),
        ("imagenet-2012-aux", "from.dividiti"): ("caffe_ilsvrc12.tar.gz", "md5:ee346d67141e476df9c1a3f813552503"),
        ("imagenet-2012-aux", "from.berkeley"): ("caffe_ilsvrc12.tar.gz", "md5:f963098ea0e785a968ca1eb634003a90"),
        ("imagenet-2012-calibration", "mlperf.option1"): (
            "cal_image_list_option_1.txt",
            "sha256:7662247d1d9407d6cb564268f64c5a4a6cf9f1a34fd2e6cdc3b94dcf278b3dc9",
        ),
        ("imagenet-2012-calibration", "mlperf.option2"): (
            "cal_image_list_option_2.txt",
            "sha256:11ce810122226ec0ca8c56e47ee356e3c1185f3c6ce8262edb50c3c1d0a9705e",
        ),
        ("coco-2017-calibration", ""): (
            "coco_cal_images_list.txt",
            "sha256:ca6f97a9e49db992d18bf01dc98d7b164c5f57c0ce2553c45365ca8445bec559",
        ),
    }


# -- folders without labels -----------------------------------------------------------------------------------------


def test_folder_without_labels_gets_those_of_the_aux_package(site: Site, images: Path):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    accuracy = site.run(f"--dataset_path={images}").ok().json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (IMAGES - 3, IMAGES)
    assert sorted(path.name for path in images.iterdir()) == [
        f"ILSVRC2012_val_{n:08}.JPEG" for n in range(1, IMAGES + 1)
    ]


def test_folder_without_labels_may_take_those_of_the_other_origin(site: Site, images: Path):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    words = (f"--dataset_path={images}", "--dep_add_tags.imagenet-labels=_from.berkeley")
    assert site.run(*words).ok().json["results"]["accuracy"]["correct"] == IMAGES - 3
    assert [path for path in site.server.requests if "aux" in path] == [
        "/imagenet-2012-aux-from.berkeley-caffe_ilsvrc12.tar.gz"
    ]


def test_count_reaches_the_join_of_images_and_labels(site: Site, images: Path):
    """Ten of twelve images are enough if no more are asked for."""
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    (images / f"ILSVRC2012_val_{11:08}.JPEG").unlink()
    accuracy = site.run(f"--dataset_path={images}", "--count=10").ok().json["results"]["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (7, 10)
    answer = site.run(f"--dataset_path={images}", "--count=11")
    assert answer.code == 2
    assert "1 of 11 images up to ILSVRC2012_val_00000011.JPEG are missing" in answer.err


def test_count_above_what_is_joined_says_both_numbers(site: Site, images: Path):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    answer = site.run(f"--dataset_path={images}", "--count=13")
    assert answer.code == 2
    assert f"--count requests 13 samples, imagenet2012-val has {IMAGES}" in answer.err


def test_missing_images_of_a_folder_without_labels_are_skipped_if_that_is_asked_for(site: Site, images: Path):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    for number in (4, 6):
        (images / f"ILSVRC2012_val_{number:08}.JPEG").unlink()
    results = site.run(f"--dataset_path={images}", "--allow_missing_images").ok().json["results"]
    assert (results["accuracy"]["correct"], results["accuracy"]["total"]) == (7, 10)
    assert results["missing_images"] == 2


def test_images_in_two_folders_are_not_joined(site: Site, images: Path):
    """The second folder was left out without a word."""
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    (images / "more").mkdir()
    (images / f"ILSVRC2012_val_{12:08}.JPEG").rename(images / "more" / f"ILSVRC2012_val_{12:08}.JPEG")
    answer = site.run(f"--dataset_path={images}", "--dep_add_tags.dataset=_full")
    assert answer.code == 2
    assert f"they are in 2 folders: {images}, {images / 'more'}" in answer.err


def test_label_file_that_is_named_makes_a_download_of_labels_needless(site: Site, images: Path, tmp_path: Path):
    site.serve_all(images)
    labels = (images / "val_map.txt").rename(tmp_path / "mine.txt")
    words = (f"--dataset_path={images}", f"--labels_path={labels}")
    results = site.run(*words).ok().json["results"]
    assert (results["accuracy"]["correct"], results["accuracy"]["total"]) == (IMAGES - 3, IMAGES)
    assert results["dataset"] == "soft:dataset.imagenet.val"
    assert [request.path for request in site.server.log] == ["/model.onnx"]


def test_folder_without_labels_that_moved_is_joined_again(site: Site, images: Path, tmp_path: Path):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    site.run(f"--dataset_path={images}").ok()
    moved = images.rename(tmp_path / "elsewhere")
    assert site.run(f"--dataset_path={moved}").ok().json["results"]["accuracy"]["total"] == IMAGES


def test_folder_with_labels_of_its_own_needs_no_others(site: Site, images: Path):
    site.serve_all(images)
    results = site.run(f"--dataset_path={images}").ok().json["results"]
    assert results["dataset"] == "soft:dataset.imagenet.val"
    assert [request.path for request in site.server.log] == ["/model.onnx"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("gaps", "2 of 12 images up to ILSVRC2012_val_00000012.JPEG are missing: ILSVRC2012_val_00000004.JPEG, ILSVRC2012_val_00000006.JPEG"),
        ("stranger", "1 of 13 images have no label: ILSVRC2012_val_00009999.JPEG"),
        ("empty", "1 of 12 images of imagenet2012-val are missing or damaged"),
    ],
)  # fmt: skip
def test_damaged_folder_without_labels_is_said_with_counts_and_names(site: Site, images: Path, damage: str, words: str):
    site.serve_all(images)
    (images / "val_map.txt").unlink()
    if damage == "gaps":
        for number in (4, 6):
            (images / f"ILSVRC2012_val_{number:08}.JPEG").unlink()
    elif damage == "stranger":
        shutil.copy(images / "ILSVRC2012_val_00000001.JPEG", images / "ILSVRC2012_val_00009999.JPEG")
    else:
        (images / "ILSVRC2012_val_00000005.JPEG").write_bytes(b"")
    answer = site.run(f"--dataset_path={images}")
    assert answer.code == 2
    assert "building" not in answer.err
    assert words in answer.err
    assert not any("preprocess" in label for label in site.entries)


# -- damaged folders with labels ------------------------------------------------------------------------------------


def damage(images: Path) -> None:
    (images / "ILSVRC2012_val_00000002.JPEG").unlink()
    (images / "ILSVRC2012_val_00000003.JPEG").unlink()
    (images / "ILSVRC2012_val_00000009.JPEG").write_bytes(b"")


MISSING = "2 missing: ILSVRC2012_val_00000002.JPEG, ILSVRC2012_val_00000003.JPEG"
EMPTY = "1 empty: ILSVRC2012_val_00000009.JPEG"


def test_damaged_folder_ends_preprocessing_with_counts_and_names(site: Site, images: Path):
    site.serve_all(images)
    damage(images)
    answer = site.run(f"--dataset_path={images}")
    assert answer.code == 2
    assert "building" not in answer.err
    for words in ("3 of 12 images of imagenet2012-val are missing or damaged", MISSING, EMPTY):
        assert words in answer.err
    assert not any("preprocess" in label for label in site.entries)


def test_images_that_cannot_be_decoded_are_counted_and_nothing_is_kept(site: Site, images: Path):
    site.serve_all(images)
    (images / "ILSVRC2012_val_00000002.JPEG").write_bytes(b"no picture")
    whole = (images / "ILSVRC2012_val_00000007.JPEG").read_bytes()
    (images / "ILSVRC2012_val_00000007.JPEG").write_bytes(whole[: len(whole) // 2])
    answer = site.run(f"--dataset_path={images}")
    assert answer.code == 2
    assert "building" not in answer.err
    assert "2 of 12 images of imagenet2012-val are missing or damaged" in answer.err
    assert "the image cannot be decoded (1): ILSVRC2012_val_00000002.JPEG" in answer.err
    assert "the image is truncated (1): ILSVRC2012_val_00000007.JPEG" in answer.err
    assert not any("preprocess" in label for label in site.entries)


def doctor(site: Site, images: Path) -> list[dict[str, Any]]:
    answer = site.loom("doctor", "--json", LOOM_DATASET_PATH=str(images), HOME=str(site.folder))
    return [item for item in answer.json if item["rule"] == "data-set"]


def test_doctor_counts_a_folder_that_is_whole(site: Site, images: Path):
    (finding,) = doctor(site, images)
    assert finding["severity"] == "pass"
    assert finding["message"] == f"12 of the set's 50,000 images with labels in {images}"


def test_doctor_counts_and_names_what_is_missing_or_empty(site: Site, images: Path):
    damage(images)
    (finding,) = doctor(site, images)
    assert finding["severity"] == "warning"
    assert finding["message"] == f"3 of 12 images in {images} are missing or damaged: {MISSING}; {EMPTY}"
    assert "val_map.txt" in finding["fix"]


def test_doctor_says_what_is_wrong_with_a_label_file(site: Site, images: Path):
    (images / "val_map.txt").write_text("ILSVRC2012_val_00000001.JPEG 1000\n")
    (finding,) = doctor(site, images)
    assert finding["severity"] == "error"
    assert "label 1000 is not valid for imagenet2012-val, whose labels are 0 to 999" in finding["message"]
    assert "val_map.txt:1" in finding["message"]


def test_doctor_says_where_labels_come_from_for_a_folder_without(site: Site, images: Path):
    (images / "val_map.txt").unlink()
    (finding,) = doctor(site, images)
    assert (finding["severity"], finding["subject"]) == ("info", "soft:dataset.imagenet.val.images")
    assert f"{images} has no val_map.txt" in finding["message"]


def test_doctor_without_any_folder_says_so(site: Site, tmp_path: Path):
    (finding,) = doctor(site, tmp_path / "none")
    assert finding["message"] == "no data set was found in the searched folders"


def test_detect_tells_folders_with_labels_from_those_without(site: Site, images: Path):
    words = ("detect", "--tags=imagenet2012", f"--search_dirs={images}", "--json")
    both = {item["component"] for item in site.loom.here(*words).ok().json}
    assert both == {"soft:dataset.imagenet.val", "soft:dataset.imagenet.val.images"}
    (images / "val_map.txt").unlink()
    assert [item["component"] for item in site.loom.here(*words).ok().json] == ["soft:dataset.imagenet.val.images"]
