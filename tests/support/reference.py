"""A stand-in for the archive of the MLPerf Inference reference application: the same layout, next to nothing in it."""

import io
import zipfile

NAME = "mlcommons-inference-1.0.1.zip"
MAIN = "vision/classification_and_detection/python/main.py"


def archive() -> bytes:
    """Return the zip file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr(f"inference-1.0.1/{MAIN}", "print('reference')\n")
    return data.getvalue()
