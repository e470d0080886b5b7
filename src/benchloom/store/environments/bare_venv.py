"""An empty virtual environment: ``python bare_venv.py FOLDER``.

Standard library only, since any Python may run it.
"""

import os
import sys
import types
import venv


class _Builder(venv.EnvBuilder):
    """Without activation scripts: they would contain the path of the folder, which is going to be renamed."""

    def setup_scripts(self, context: types.SimpleNamespace) -> None:
        """Do nothing."""


def make(folder: str) -> None:
    """Make an environment of the running interpreter in ``folder``.

    Raises OSError.
    """
    _Builder(symlinks=sys.platform != "win32").create(folder)
    config = os.path.join(folder, "pyvenv.cfg")
    with open(config, encoding="utf-8") as stream:
        lines = [
            line for line in stream if not line.startswith("command")
        ]  # it would contain the path of the folder as well
    with open(config, "w", encoding="utf-8") as stream:
        stream.writelines(lines)


if __name__ == "__main__":
    make(sys.argv[1])
