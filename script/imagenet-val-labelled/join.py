"""Join ImageNet's validation images with their labels: ``val_map.txt`` and a link ``images`` in the working directory.

``LOOM_IMAGENET_IMAGES`` and ``LOOM_IMAGENET_LABELS`` name the facts of both. Images may be the first so many of the set:
the label file then has as many lines, ``LOOM_INPUT_COUNT`` at most. One that is missing between others is an error, as is one without a label.
With ``LOOM_INPUT_ALLOW_MISSING_IMAGES=yes`` the lines of missing images stay, for the pre-processing to skip and count.
"""

import json
import os
import sys
from pathlib import Path

PREFIX, SUFFIX = "ILSVRC2012_val_", ".JPEG"


def main() -> int:
    """Join them and return the exit status."""
    root, labels = (place(role) for role in ("IMAGENET_IMAGES", "IMAGENET_LABELS"))
    top = root if root.is_dir() else root.parent  # a download of one file is that file
    folders = [Path(at) for at, _, names in sorted(os.walk(top)) if any(map(is_image, names))]
    if len(folders) != 1:
        places = f"in {len(folders)} folders: {several([str(path) for path in folders])}" if folders else "not there"
        return refuse(f"the images {PREFIX}*{SUFFIX} have to lie in one folder below {top}, they are {places}")
    (folder,) = folders
    lines = [line.rsplit(None, 1) for line in labels.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    there = {path.name for path in folder.iterdir() if is_image(path.name)}
    if unknown := sorted(there - {name for name, _ in lines}):
        return refuse(f"{len(unknown)} of {len(there)} images have no label: {several(unknown)}")
    last = max(number for number, (name, _) in enumerate(lines) if name in there)
    allows_missing = os.environ.get("LOOM_INPUT_ALLOW_MISSING_IMAGES") == "yes"
    count = 0 if allows_missing else int(os.environ.get("LOOM_INPUT_COUNT") or 0)
    wanted = lines[: min(last + 1, count or len(lines))]
    missing = [name for name, _ in wanted if name not in there]
    if missing and not allows_missing:
        return refuse(f"{len(missing)} of {len(wanted)} images up to {wanted[-1][0]} are missing: {several(missing)}")
    Path("val_map.txt").write_text("".join(f"{name} {label}\n" for name, label in wanted), encoding="utf-8")
    Path("images").symlink_to(folder.resolve(), target_is_directory=True)
    sys.stdout.write(f"{len(wanted) - len(missing)} of {len(lines)} images are there, with their labels\n")
    return 0


def place(role: str) -> Path:
    """Return where the result that fills ``role`` lies."""
    facts = json.loads(Path(os.environ[f"LOOM_{role}"]).read_text(encoding="utf-8"))
    return Path(facts["path"])


def is_image(name: str) -> bool:
    """Tell by its name whether a file is one of the set."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def several(names: list[str]) -> str:
    """Return the first few names as text."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def refuse(what: str) -> int:
    """Say what is wrong, to people and to the engine (``LOOM_ERROR``), and return the exit status."""
    fix = (
        "complete the folder, name a label file with the lines of what is there with --labels_path=FILE, "
        "or skip missing images with --allow_missing_images"
    )
    sys.stderr.write(f"error: {what}\n  fix: {fix}\n")
    if told := os.environ.get("LOOM_ERROR"):
        Path(told).write_text(json.dumps({"what": what, "fix": fix, "exit_code": 2}), encoding="utf-8")
    return 2


if __name__ == "__main__":
    sys.exit(main())
