"""The pages on CK and on virtual environments, carried out as they stand by a new user."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.checkout import committed, copied
from support.ck import ROOT
from support.document import Step, agrees, play, steps
from support.other_venv import ALIAS, other_venv
from support.reference import NAME, archive
from support.server import FileServer

PAGES = ROOT / "docs" / "how-to"
PAGE = PAGES / "ck-workflow.md"
SETUP = "Get `ck` and this repository"
PULL = "ck pull repo --url=https://your.host/benchloom.git"

needs_pip_ck = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="ck can be installed by pip alone up to Python 3.11"
)


def environment(home: Path) -> dict[str, str]:
    """A new user's: nothing of ours, and `python3` is the Python that runs the tests."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON", "VIRTUAL"))
    }
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    pip = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_USE_PEP517": "1",
    }  # the pip of Python 3.10 announces changes otherwise
    return {**kept, **pip, "HOME": str(home), "PATH": f"{home / 'bin'}:{kept['PATH']}"}


def carried_out(script: list[Step], environ: dict[str, str], home: Path) -> None:
    """Run the commands and compare what they print with what the page shows."""
    for step, printed in play(script, environ, home):
        assert agrees(step.shown, printed), (
            f"$ {step.command}\nthe page shows:\n{step.shown}\nit printed:\n{printed[-4000:]}"
        )


def environments(home: Path) -> set[str]:
    return {path.name for path in (home / "CK" / "local" / "env").glob("[0-9a-f]" * 16)}


def unquiet(item: Step) -> Step:
    """Return the step as one types it who does not know `--quiet`; pip's stays."""
    is_of_pip = " pip " in item.command
    return Step(item.section, item.command if is_of_pip else item.command.replace(" --quiet", ""), item.shown)


def with_path(script: list[Step]) -> list[Step]:
    return [Step(item.section, item.command.replace("/path/to/benchloom", str(ROOT)), item.shown) for item in script]


@needs_pip_ck
def test_the_page_on_ck_holds_by_path_and_again_without_quiet_beside_another_repository(tmp_path: Path):
    environ, script = environment(tmp_path), with_path(steps(PAGE))
    assert len(script) > 25
    carried_out(script, environ, tmp_path)
    known = environments(tmp_path)
    results = ROOT / "program" / "image-classification-onnx" / "tmp" / "results.json"
    assert json.loads(results.read_text())["accuracy"]["correct"] == 446
    activate = next(item for item in script if item.command.startswith(". "))
    other = Step(SETUP, f"ck add repo:{ALIAS} --path={other_venv(tmp_path / 'other')} --quiet", "...\n")
    again = [unquiet(item) for item in script if item.section in {"Run", "Choose", "Record", "Search"}]
    carried_out([activate, other, *again], environ, tmp_path)
    assert environments(tmp_path) == known  # what was registered is used again
    point = next((tmp_path / "CK" / "local" / "experiment" / "digits").glob("ckp-*.0001.json"))
    assert len(json.loads(point.read_text())["characteristics_list"]) == 3
    carried_out(
        [activate, *(unquiet(item) for item in script if item.section.startswith("Install"))], environ, tmp_path
    )


@needs_pip_ck
def test_the_page_on_ck_holds_without_quiet_for_a_repository_pulled_by_git(tmp_path: Path):
    bare = tmp_path / "benchloom.git"
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(committed(copied(tmp_path / "work"))), str(bare)], check=True
    )
    environ = environment(tmp_path / "home")
    assert PULL in PAGE.read_text()
    pulled = Step(SETUP, PULL.replace("https://your.host/benchloom.git", bare.as_uri()), "...\n")
    script = [pulled if item.command.startswith("ck add repo") else item for item in steps(PAGE)]
    script = [unquiet(item) for item in script if item.section in {SETUP, "Run", "Search"}]
    carried_out(script, environ, tmp_path / "home")
    assert (tmp_path / "home" / "CK" / "benchloom" / ".ckr.json").is_file()


def test_the_page_on_virtual_environments_holds(tmp_path: Path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / NAME).write_bytes(archive())
    environ = environment(tmp_path / "home")
    # its own checkout: `ck` runs a program in one folder below it, which the page on CK uses at the same time
    (tmp_path / "home" / "bin" / "loom").symlink_to(committed(copied(tmp_path / "work")) / "loom")
    with FileServer(tmp_path / "served") as server:
        carried_out(
            steps(PAGES / "virtual-environments.md"), {**environ, "LOOM_MIRROR": server.base}, tmp_path / "home"
        )
