"""Small temporary repositories, and the real command line over them.

    repo = Repo(tmp_path / "repo", "trial")
    repo.package("tool-one", "trial,tool", version="1.9", files={"data.txt": "one"})
    repo.soft("tool", "trial,tool", detect={"executable": {"names": ["trial-tool"]}})
    repo.program("app", "trial,app", run_deps={"tool": {"tags": "trial,tool"}})
    repo.script("get-thing", "trial,get,thing", deps=[{"tags": "trial,tool", "names": ["tool"]}])
    loom = Loom(tmp_path / "home", repo)
    answer = loom("plan", "program:app", "--json")      # a process; answer.code, .out, .err, .json, .node("tool")
    answer = loom.here("find", "--tags=trial")          # the same inside this process: faster

Metadata is written as it stands in the keyword arguments, so anything a component may hold can be said. The built-in
repository is always searched too: use tags nobody else has.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from benchloom.cli.main import main

_PROGRAM = """\
import json
results = {"schema": "benchloom.results/1", "accuracy": None, "performance": None, "submission_valid": False,
           "settings": {}, "versions": {}, "notes": []}
names = ("task", "model", "dataset", "backend", "scenario", "mode", "ruleset")
json.dump({**results, **dict.fromkeys(names, "trial")}, open("results.json", "w"))
"""

SOURCE = Path(__file__).resolve().parents[2] / "src"


class Repo:
    """A repository in ``root`` whose entries are written by the methods; each returns the entry's folder."""

    def __init__(self, root: Path, alias: str = "trial", priority: int = 0) -> None:
        self.root, self.alias, self.priority = root, alias, priority
        root.mkdir(parents=True, exist_ok=True)
        uid = uid_of(alias)
        identity = {"data_alias": alias, "data_uid": uid, "data_uoa": alias, "dict": {"desc": "A trial"}}
        (root / ".ckr.json").write_text(json.dumps(identity))

    def package(self, alias: str, tags: str, *, files: Mapping[str, str] | None = None, **meta: Any) -> Path:
        """Write a package. ``files`` become its contents, each an item of ``fetch`` with its digest (no network)."""
        fetch = [_fetch(name, text) for name, text in (files or {}).items()]
        folder = self.entry("package", alias, tags, **({"fetch": fetch} if fetch else {}), **_versioned(meta))
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        return folder

    def soft(self, alias: str, tags: str, **meta: Any) -> Path:
        """Write a soft component."""
        return self.entry("soft", alias, tags, **meta)

    def dataset(self, alias: str, tags: str, **meta: Any) -> Path:
        """Write a dataset component."""
        return self.entry("dataset", alias, tags, **_versioned(meta))

    def program(self, alias: str, tags: str, *, code: str = "", command: str = "", **meta: Any) -> Path:
        """Write a program. ``code`` is Python that its one command runs (``main.py``), unless ``command`` says else."""
        command = command or "$<<LOOM_PYTHON>>$ $<<LOOM_COMPONENT>>$/main.py"
        cmds = {"default": {"run_time": {"run_cmd_main": command}}}
        folder = self.entry("program", alias, tags, **{"run_cmds": cmds, **meta})
        (folder / "main.py").write_text(code or _PROGRAM)
        return folder

    def script(self, alias: str, tags: str, **meta: Any) -> Path:
        """Write a CM script entry (``_cm.yaml``)."""
        folder = self.root / "script" / alias
        folder.mkdir(parents=True, exist_ok=True)
        head = {"alias": alias, "automation_alias": "script", "uid": uid_of(f"script:{alias}"), "tags": tags.split(",")}
        (folder / "_cm.yaml").write_text(yaml.safe_dump({**head, **meta}, sort_keys=False))
        return folder

    def entry(self, kind: str, alias: str, tags: str, **meta: Any) -> Path:
        """Write a CK entry of any kind: ``.cm/meta.json``, ``.cm/info.json`` and the alias files."""
        folder = self.root / kind / alias
        uid = uid_of(f"{kind}:{alias}")
        self.write(kind, alias, json.dumps({"tags": [tag for tag in tags.split(",") if tag], **meta}, indent=2))
        (folder / ".cm" / "info.json").write_text(json.dumps({"backup_data_uid": uid, "data_name": alias}))
        aliases = self.root / kind / ".cm"
        aliases.mkdir(exist_ok=True)
        (aliases / f"alias-a-{alias}").write_text(f"{uid}\n")
        (aliases / f"alias-u-{uid}").write_text(f"{alias}\n")
        return folder

    def write(self, kind: str, alias: str, text: str, name: str = ".cm/meta.json") -> Path:
        """Write the metadata file of an entry as raw text, however broken."""
        file = self.root / kind / alias / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def remove(self, kind: str, alias: str) -> None:
        """Remove an entry."""
        shutil.rmtree(self.root / kind / alias)


@dataclass(frozen=True)
class Answer:
    """What one invocation of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def node(self, role: str) -> dict[str, Any]:
        """Return the node of a plan on standard output that fills ``role``."""
        return next(node for node in self.json["nodes"] if role in node.get("roles", ()))

    def ok(self) -> "Answer":
        """Return self; fails with everything that was said where the exit code is not 0."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self


class Loom:
    """The command line with its own home, over ``repos`` (first wins) and the built-in repository."""

    def __init__(self, home: Path, *repos: Repo, **environ: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.environ = {"LOOM_HOME": str(home), **environ}
        stored = [{"alias": repo.alias, "path": str(repo.root.resolve()), "priority": repo.priority} for repo in repos]
        (home / "repositories.json").write_text(json.dumps(stored))

    def __call__(self, *words: str, cwd: Path | None = None, limit: float = 120, **environ: str) -> Answer:
        """Run ``loom WORDS`` as a process of its own, for at most ``limit`` seconds, with nothing on standard input."""
        path = os.pathsep.join(item for item in (environ.pop("PYTHONPATH", ""), str(SOURCE)) if item)
        done = subprocess.run(
            [sys.executable, "-m", "benchloom", *words],
            env={**os.environ, **self.environ, "PYTHONPATH": path, **environ},
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def here(self, *words: str) -> Answer:
        """Run ``loom WORDS`` inside this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.dict(os.environ, self.environ),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(words))
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return Answer(code, *texts)


def uid_of(name: str) -> str:
    """Return a uid made from ``name``: the same in every run."""
    return sha256(name.encode()).hexdigest()[:16]


def _fetch(name: str, text: str) -> dict[str, str]:
    return {"path": name, "digest": f"sha256:{sha256(text.encode()).hexdigest()}"}


def _versioned(meta: dict[str, Any]) -> dict[str, Any]:
    """``version="1.2"`` is short for ``versions=[{"version": "1.2"}]``."""
    version = meta.pop("version", "")
    return {**({"versions": [{"version": version}]} if version else {}), **meta}
