"""How far a download is, for whoever started the script."""

import json
from pathlib import Path

from benchloom.app.published_files import _Bars


def test_progress_of_a_download_is_in_the_file_that_loom_run_reads(tmp_path: Path):
    file = tmp_path / "progress.json"
    with _Bars({"LOOM_PROGRESS": str(file)}).progress("net.onnx", 100, "B") as bar:
        assert json.loads(file.read_text()) == {"label": "net.onnx", "unit": "B", "total": 100, "done": 0}
        bar.advance(40)
        bar.advance(2)
        while (
            json.loads(file.read_text())["done"] != 42
        ):  # it is written a few times a second; the test has a limit of its own
            pass
