"""What `ck` needs of an entry to install, detect or run it, in every entry of this repository."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchloom.authoring.skeleton import new
from benchloom.index.bases import Bases, Layer, Root, inherited

ROOT = Path(__file__).resolve().parents[2]
ADAPTER = {"module_uoa": "script", "data_uoa": "ck-adapter"}
DEFAULTS = "benchloom"
PREPARED = "dataset.preprocessed"


def entries(kind: str) -> list[Any]:
    return [
        pytest.param(path.parents[1], id=path.parents[1].name) for path in sorted(ROOT.glob(f"{kind}/*/.cm/meta.json"))
    ]


def meta(folder: Path) -> Any:
    """Return the metadata of an entry with what it inherits."""
    file = folder / ".cm" / "meta.json"
    root = Root("", str(folder.parents[1]))
    own = Layer(root, folder.parent.name, file.relative_to(root.path).as_posix(), json.loads(file.read_text()))
    return inherited(own, Bases([root, Root("benchloom", str(ROOT))]).of(own))[0]


@pytest.mark.parametrize("folder", entries("package"))
def test_package_is_installed_by_the_adapter_and_registered_by_its_soft(folder: Path, tmp_path: Path):
    found = meta(folder)
    made = new((), f"package:{folder.name}", directory=str(tmp_path / "new"))
    shared = ("process_script", "use_scripts_from_another_entry", "end_full_path", "check_exit_status", "customize")
    skeleton = meta(Path(made.folder))
    if found["soft_uoa"] == PREPARED:  # another script installs these, and is told what to prepare
        found = {**found, "use_scripts_from_another_entry": ADAPTER, "customize": {**found["customize"]}}
        assert set(found["customize"].pop("install_env")) == {
            "LOOM_SAMPLES_PROFILE",
            "LOOM_SAMPLES_DATASET",
            "LOOM_SAMPLES_DETECTED",
        }
    assert {key: found[key] for key in shared} == {key: skeleton[key] for key in shared}
    assert found["suggested_path"] == folder.name
    assert (ROOT / "soft" / found["soft_uoa"] / ".cm" / "meta.json").is_file()


@pytest.mark.parametrize("folder", entries("soft"))
def test_soft_is_detected_by_the_adapter(folder: Path):
    found = meta(folder)
    if folder.name != DEFAULTS:  # ck imports the file of this one alone, and it registers nothing that is used
        assert found["use_customize_script_from_another_entry"] == ADAPTER
    assert {"env_prefix", "soft_file_universal", "check_that_exists", "ck_version", "skip_version"} <= set(
        found["customize"]
    )
    assert found["soft_name"]


def test_softs_export_variables_of_their_own():
    prefixes = [meta(item.values[0])["customize"]["env_prefix"] for item in entries("soft")]
    assert len(prefixes) == len(set(prefixes))


@pytest.mark.parametrize("folder", entries("program"))
def test_program_is_prepared_and_read_by_the_adapter(folder: Path):
    found = meta(folder)
    for command in found["run_cmds"].values():
        for when in ("pre", "post"):
            assert command["run_time"][f"{when}_process_via_ck"] == {**ADAPTER, "script_name": f"{when}process"}
        first = command["run_deps"][DEFAULTS]  # before all others, so that ck asks nothing about them
        assert set(first["tags"].split(",")) <= set(meta(ROOT / "soft" / DEFAULTS)["tags"])
        assert first["sort"] < min(need["sort"] for need in found["run_deps"].values())
    assert all(need["local"] == "yes" and need["tags"] for need in found["run_deps"].values())
