"""Whatever is done to repositories, the warm index says what a cold one says."""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from support.repo import Repo

# Long enough for the coarsest clock of a file system, short enough for many examples.
SETTLING_NS = 20_000_000
TEXTS = ['{"tags": ["a"]}', '{"tags": ["b"]}', '{"tags": ["a"], "unknwn": 1}', "{", "[]", '{"tags": 1}']
TEXTS += ['{"_base_entry": "x", "tags": ["c"]}', '{"_base_entry": "package:y"}', '{"_base_entry": "z", "summary": "s"}']
EDITS = st.tuples(
    st.sampled_from(["write", "rewrite", "remove", "rename", "script", "info", "folder", "other"]),
    st.sampled_from("xyz"),
    st.sampled_from(TEXTS),
    st.booleans(),
)


def _edit(repo: Repo, other: Repo, edit: tuple[str, str, str, bool]) -> None:
    what, name, text, _ = edit
    folder = repo.root / "package" / name
    file = folder / ".cm" / "meta.json"
    if what == "write":
        repo.write("package", name, text)
    elif what == "rewrite" and file.is_file():
        status = file.stat()
        file.write_text(text)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "remove":
        shutil.rmtree(folder, ignore_errors=True)
    elif what == "rename" and folder.is_dir():
        target = folder.with_name(f"{name}{name}")
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    elif what == "script":
        repo.write("script", name, text, "_cm.yaml" if "a" in text else "meta.json")
    elif what == "info":
        repo.write("package", name, json.dumps({"backup_data_uid": "0123456789abcdef"}), ".cm/info.json")
    elif what == "folder":
        (repo.root / "soft" / name).mkdir(parents=True, exist_ok=True)
    elif what == "other":
        other.write("package", name, text)


@settings(max_examples=25, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=10))
def test_warm_index_equals_cold_after_any_edits(edits: list[tuple[str, str, str, bool]]):
    with tempfile.TemporaryDirectory() as name, patch("benchloom.index.index.SETTLING_NS", SETTLING_NS):
        root = Path(name)
        repo, other = Repo(root / "repo", "repo"), Repo(root / "other", "other")
        repositories = [read_repository(repo.root), read_repository(other.root)]
        for edit in edits:
            _edit(repo, other, edit)
            if edit[3]:
                time.sleep(SETTLING_NS * 1.2e-9)
            warm = load(repositories, root / "cache")
            cold = load(repositories, None)
            assert warm.components == cold.components
            assert warm.findings == cold.findings
