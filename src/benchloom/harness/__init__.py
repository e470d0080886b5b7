"""Drive MLPerf LoadGen over a backend. Runs inside the program's own process; imports only model, errors and base of ours."""

import os

from benchloom.base import limits

# OpenCV reads this when it is loaded, and looks at the header of an image before it decodes one.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(limits.IMAGE_PIXELS)
