"""Whatever an entry holds becomes findings: nothing is raised, and what is said of other entries stays the same."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from benchloom.index.index import load
from benchloom.index.read import CM_FILES
from benchloom.index.repositories import read_repository
from benchloom.model.base import to_json
from benchloom.model.query import parse_query
from support.fuzz import broken, changed, examples, seeded
from support.repo import SOURCE, Loom, Repo

PARTS = 8  # each a test of its own, so that they run side by side
ENTRIES = examples(20_000) // PARTS
BATCH = 500
CHECKOUT = SOURCE.parent
FOREIGN: list[dict[str, Any]] = [
    {
        "check_exit_status": "yes", "customize": {"version": "1.2", "install_env": {"A": "b"}, "supported_versions": ["1"]},
        "deps": {"compiler": {"local": "yes", "sort": 10, "tags": "compiler,lang-c", "version_from": [1, 2], "name": "C"}},
        "end_full_path": {"linux": "lib/x"}, "process_script": "install", "soft_uoa": "lib.x", "suggested_path": "x",
        "tags": ["lib", "x"], "variations": {"v1": {"extra_env": {"A": "1"}, "on_by_default": "yes"}, "v2": {}},
    },
    {
        "alias": "get-x", "automation_alias": "script", "automation_uid": "5b4e0237da074764", "cache": True,
        "deps": [{"tags": "detect,os"}, {"tags": "get,python3", "names": ["python"], "enable_if_env": {"A": ["yes"]}}],
        "default_variations": {"device": "cpu"}, "env": {"A": "b"}, "new_env_keys": ["A*"], "tags": ["get", "x"],
        "uid": "0123456789abcdef", "variations": {"cpu": {"group": "device"}, "batch.#": {"env": {"B": "#"}}},
        "versions": {"1.0": {"env": {"V": "1"}}},
    },
]  # fmt: skip


def originals() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kind and metadata of this repository's own entries and of two of foreign shape."""
    for kind in ("package", "soft", "program", "dataset"):
        for file in sorted((CHECKOUT / kind).glob("*/.cm/meta.json")):
            yield kind, json.loads(file.read_text())
    for file in sorted((CHECKOUT / "script").glob("*/_cm.yaml")):
        yield "script", yaml.safe_load(file.read_text())
    yield "package", FOREIGN[0]
    yield "script", FOREIGN[1]


def write(repo: Repo, number: int, kind: str, meta: dict[str, Any], rng: random.Random) -> None:
    folder = repo.root / kind / f"strange-{number}"
    text = json.dumps(changed(meta, rng))
    if kind == "script" and rng.random() < 0.5:
        text = yaml.safe_dump(json.loads(text), allow_unicode=rng.random() < 0.5)
    data = text.encode("utf-8", "surrogatepass")
    data = broken(data, rng) if rng.random() < 0.3 else data
    file = folder / (rng.choice(CM_FILES) if kind == "script" else ".cm/meta.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


@pytest.mark.timeout(examples(200))
@pytest.mark.parametrize("part", range(PARTS))
def test_strange_entries_raise_nothing_and_change_no_answer_about_others(tmp_path: Path, part: int):
    good = Repo(tmp_path / "good", "good")
    good.package("thing", "only-here,thing", version="1", files={"a.txt": "one"})
    good.soft("tool", "only-here,tool", detect={"executable": {"names": ["only-here-tool"]}})
    alone = load([read_repository(good.root)], None)
    expected = {item.ref: to_json(item) for item in alone.components}
    rng = seeded(1400 + part)
    pool = list(originals())
    for first in range(0, ENTRIES, BATCH):
        strange = Repo(tmp_path / "strange", "strange")
        for number in range(first, min(first + BATCH, ENTRIES)):
            write(strange, number, *rng.choice(pool), rng)
        repositories = [read_repository(good.root), read_repository(strange.root)]
        index = load(repositories, tmp_path / "cache")
        assert {ref: to_json(index.get(ref)) for ref in expected} == expected
        assert len(index.match(parse_query("only-here"))) >= len(expected)
        assert to_json([*index.components, *index.findings])  # whatever was read can be written, shown and sent
        assert msgspec.msgpack.encode([*index.components, *index.findings])  # and remembered
        assert all(str(item).encode() for item in index.findings)
        shutil.rmtree(strange.root)


@pytest.mark.timeout(examples(300))
def test_plans_of_our_programs_are_the_same_beside_changed_copies_of_our_entries(tmp_path: Path):
    rng, pool, loom = seeded(6), list(originals()), Loom(tmp_path / "home")
    programs = [item.ref for item in load([read_repository(CHECKOUT)], None).components if item.kind == "program"]
    alone = {program: loom.here("plan", program, "--json") for program in programs}
    assert any(answer.code == 0 for answer in alone.values())
    for _ in range(examples(4)):
        repo = Repo(tmp_path / "strange", "strange")
        for number in range(250):
            write(repo, number, *rng.choice(pool), rng)
        loom.here("repo", "add", str(repo.root)).ok()
        for program, expected in alone.items():
            assert loom.here("plan", program, "--json") == expected, program
        loom.here("repo", "remove", "strange").ok()
        shutil.rmtree(repo.root)


def _link(folder: Path) -> None:
    folder.symlink_to(folder.name)


def _undecodable(folder: Path) -> None:
    os.mkdir(os.fsencode(folder.parent) + b"/bad-\xff\xfe")


def _fifo(folder: Path) -> None:
    (folder / ".cm").mkdir(parents=True)
    os.mkfifo(folder / ".cm" / "meta.json")


def _meta(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / ".cm").mkdir(parents=True)
        (folder / ".cm" / "meta.json").write_text(text)

    return write


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to itself": (_link, "it cannot be read: Too many levels of symbolic links"),
    "a name that is not UTF-8": (_undecodable, "its name is not UTF-8"),
    "a lone surrogate": (_meta('{"tags": ["odd", "\\ud800"]}'), "a lone surrogate"),
    "an integer beyond 64 bits": (_meta('{"tags": ["odd"], "priority": 36893488147419103232}'), "beyond 64 bits"),
    "a number of a million digits": (_meta(f'{{"priority": {"9" * 900_000}}}'), "beyond 64 bits"),
    "infinity": (_meta('{"tags": ["odd"], "timeout": 1e999}'), "a number is too large"),
    "a regular expression that is none": (
        _meta('{"tags": ["odd"], "detect": {"executable": {"names": ["odd"], "version_regex": "("}}}'),
        "it is not a regular expression",
    ),
    "fifty megabytes": (_meta('{"tags": ["odd"]' + " " * 50_000_000 + "}"), "larger than 1,000,000 bytes"),
    "a FIFO": (_fifo, "the folder has no metadata file"),
}


@pytest.mark.parametrize(("make", "message"), ODD.values(), ids=ODD.keys())
def test_an_odd_entry_is_a_finding_and_the_others_stay(make: Callable[[Path], None], message: str, tmp_path: Path):
    repo = Repo(tmp_path / "repo", "odd")
    repo.package("fine", "fine-tag", files={"a.txt": "one"})
    loom = Loom(tmp_path / "home", repo)
    before = loom.here("plan", "--tags=fine-tag", "--json").ok().out
    make(repo.root / "package" / "odd")

    for _ in range(2):  # cold, then from the persisted index
        assert loom.here("plan", "--tags=fine-tag", "--json").ok().out == before
        assert "package:fine" in loom.here("find", "package").ok().out
    assert message in loom.here("lint", "odd").out
    assert loom.here("repo", "list").ok()


YAMLS = {
    "an alias bomb": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "a number to base 60": "alias: odd\ntags: [odd]\nversion: " + "1:" * 100_000 + "1\n",
    "a thousand unknown keys": "tags: [odd]\n" + "".join(f"unknown-{n}: 1\n" for n in range(1000)),
    "a list in itself": "tags: [odd]\nmine: &mine [*mine]\n",
    "deep": "tags: [odd]\ndeep: " + "[" * 900 + "]" * 900 + "\n",
}


@pytest.mark.timeout(60)  # each took minutes, or for ever
@pytest.mark.parametrize("text", YAMLS.values(), ids=YAMLS.keys())
def test_yaml_that_unfolds_holds_up_no_command(text: str, tmp_path: Path):
    repo = Repo(tmp_path / "repo", "odd")
    repo.package("fine", "fine-tag", files={"a.txt": "one"})
    repo.write("script", "odd", text, "_cm.yaml")
    loom = Loom(tmp_path / "home", repo)
    assert "package:fine" in loom.here("find", "--tags=fine-tag").ok().out
    assert loom.here("lint", "odd").code in {0, 1}


def test_numbers_in_yaml_are_those_of_yaml_1_2(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "odd")
    text = "tags: [numbers]\nenv: {A: 010, B: 0o10, C: 1_000, D: 1:30, E: 2021-04-01, F: 1e3, G: 1.50, H: .5, I: 0x1f, J: yes}\n"
    repo.write("script", "numbers", text, "_cm.yaml")
    shown = Loom(tmp_path / "home", repo).here("show", "script:numbers", "--json").ok().json
    env = shown["component"]["env"] if "component" in shown else shown["env"]
    assert env == {
        "A": "10", "B": "8", "C": "1_000", "D": "1:30", "E": "2021-04-01", "F": "1e3", "G": "1.5", "H": "0.5", "I": "31", "J": "yes",
    }  # fmt: skip
