"""Drive MLPerf LoadGen over a backend, in the program's own process."""

import os

from benchloom.base import limits

# OpenCV reads this when it is loaded, and checks the header of an image before decoding it.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(limits.IMAGE_PIXELS)
# ONNX Runtime reads this when it is loaded. Otherwise it writes an identifier and a database of events to the user's
# home and opens a connection for them; its function disable_telemetry_events is too late for the files.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
