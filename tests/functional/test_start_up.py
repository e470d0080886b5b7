"""Start-up is an interface: what a command imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.repo import Loom

HEAVY = {"numpy", "onnxruntime", "mlperf_loadgen", "cv2", "PIL", "rich", "httpx2", "yaml", "resolvelib", "ck"}


def imported(tmp_path: Path, *words: str) -> set[str]:
    """Return the top-level modules that ``loom WORDS`` had imported at its end."""
    code = (
        "import sys\n"
        "from benchloom.cli.main import main\n"
        "status = main(sys.argv[1:])\n"
        "print(','.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    loom = Loom(tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"), **loom.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split(","))


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["find", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(tmp_path: Path, words: list[str]):
    assert not imported(tmp_path, *words) & HEAVY


def test_help_of_run_imports_no_runtime(tmp_path: Path):
    assert imported(tmp_path, "run", "--help") & HEAVY <= {"resolvelib"}


def test_find_from_a_warm_index_parses_no_yaml_and_solves_nothing(tmp_path: Path):
    imported(tmp_path, "find", "package")
    assert not imported(tmp_path, "find", "package") & HEAVY


def test_plan_imports_the_solver_but_no_runtime(tmp_path: Path):
    imported(tmp_path, "plan", "program:image-classification-onnx")
    found = imported(tmp_path, "plan", "program:image-classification-onnx")
    assert found & HEAVY == {"resolvelib"}
