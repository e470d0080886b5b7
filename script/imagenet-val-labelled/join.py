"""Join ImageNet's validation images with their labels: ``val_map.txt`` and a link ``images`` in the working directory.

``LOOM_IMAGENET_IMAGES`` and ``LOOM_IMAGENET_LABELS`` name the facts of both. Images may be the first so many of the set:
the label file then has as many lines, ``LOOM_INPUT_COUNT`` at most. One that is missing between others is an error, as is one without a label.
"""

import json
import os
import sys
from pathlib import Path

PREFIX, SUFFIX = "ILSVRC2012_val_", ".JPEG"


def main() -> int:
    """Join them and return the exit status."""
    root, labels = (place(role) for role in ("IMAGENET_IMAGES", "IMAGENET_LABELS"))
    top = root if root.is_dir() else root.parent  # the only image of a folder stands for the folder
    folder = next((Path(at) for at, _, names in sorted(os.walk(top)) if any(map(is_image, names))), None)
    if folder is None:
        return refuse(f"no {PREFIX}*{SUFFIX} below {root}")
    lines = [line.rsplit(None, 1) for line in labels.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    there = {path.name for path in folder.iterdir() if is_image(path.name)}
    last = max((number for number, (name, _) in enumerate(lines) if name in there), default=-1)
    wanted = lines[: min(last + 1, int(os.environ.get("LOOM_INPUT_COUNT") or len(lines)))]
    if missing := [name for name, _ in wanted if name not in there]:
        return refuse(f"{len(missing)} of {len(wanted)} images up to {wanted[-1][0]} are missing: {several(missing)}")
    if unknown := sorted(there - {name for name, _ in wanted}):
        return refuse(f"{len(unknown)} of {len(there)} images have no label: {several(unknown)}")
    Path("val_map.txt").write_text("".join(f"{name} {label}\n" for name, label in wanted), encoding="utf-8")
    Path("images").symlink_to(folder.resolve(), target_is_directory=True)
    sys.stdout.write(f"{len(wanted)} of {len(lines)} images are there, with their labels\n")
    return 0


def place(role: str) -> Path:
    """Return where the result that fills ``role`` lies."""
    facts = json.loads(Path(os.environ[f"LOOM_{role}"]).read_text(encoding="utf-8"))
    return Path(facts["path"])


def is_image(name: str) -> bool:
    """Tell by its name whether a file is one of the set."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def several(names: list[str]) -> str:
    """Return the first names of many."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def refuse(what: str) -> int:
    """Say what is wrong and return the exit status."""
    sys.stderr.write(
        f"error: {what}\n  fix: complete the folder, or put a val_map.txt with the lines of what is there beside the images\n"
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
