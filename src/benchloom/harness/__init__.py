"""Drive MLPerf LoadGen over a backend. Runs inside the program's own process; imports only model, errors and base of ours."""

import os

from benchloom.base import limits

# OpenCV reads this when it is loaded, and looks at the header of an image before it decodes one.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(limits.IMAGE_PIXELS)
# ONNX Runtime reads this when it is loaded. Without it, it writes an identifier and a database of events into the user's
# home and has a connection of its own for them; its function disable_telemetry_events comes too late for the files.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
