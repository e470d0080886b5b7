"""``python -m benchloom.app.published_files``: compare the published files of models with their components.

Run by ``script:check-published-models``. Downloads use the user's store, mirror and settings, and are kept.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchloom.app.planning import plan
from benchloom.app.published_facts import report_on
from benchloom.app.requests import PlanRequest
from benchloom.app.running import context_for
from benchloom.app.workspace import Workspace
from benchloom.base.progress_file import report_progress
from benchloom.base.talk import Progress, Silent
from benchloom.errors import EXIT_NEGATIVE, EXIT_OK, IntegrityError, LoomError, UnknownNameError, carried
from benchloom.index.index import Index, refuse_unknown_tags
from benchloom.model.base import to_json
from benchloom.model.component import Component
from benchloom.model.facts import Facts, Model
from benchloom.model.published import FileReport, FoundFile
from benchloom.model.query import parse_query
from benchloom.report.published_files import pins_text, report_text, summary_text
from benchloom.run.facts import runtime_variables
from benchloom.run.prepare import prepare
from benchloom.run.process import clean_environment, last_lines, run_process
from benchloom.store.archive import extract
from benchloom.store.entries import remove_tree
from benchloom.store.fetch import Download, Fetcher, file_name

SCRIPT = "script:check-published-models"
SECONDS = 900.0  # seconds for a backend to open a file and run three samples of zeros


def main(arguments: Sequence[str], environ: Mapping[str, str], folder: Path) -> int:
    """Check the selected models and return 0 if all are as stated, 1 if not, 2 if no model matches."""
    parser = argparse.ArgumentParser(prog=SCRIPT, allow_abbrev=False)
    parser.add_argument("--models", default="model")
    parser.add_argument("--trust", default="no")
    asked = parser.parse_args(arguments)
    workspace = Workspace(environ, talk=_ReportingTalk(environ))
    try:
        components = chosen(workspace, asked.models)
    except LoomError as error:
        sys.stderr.write(f"error: {error}\n")
        carried.leave(error, environ)
        return error.exit_code
    fetcher = Fetcher(workspace.locations.store, workspace.fetcher.options, _WarningTalk(environ))
    here = frozenset(item.ref for item in components if not fetcher.missing(item.fetch[0]))
    _say(summary_text(components, here))
    checker = Checker(workspace, fetcher, folder, is_trusted=asked.trust == "yes")
    reports = []
    for number, component in enumerate(components, 1):
        workspace.talk.note(f"{number} of {len(components)}: {component.ref}")
        reports.append(checker.check(component))
        _say(report_text(reports[-1]))
    _say(pins_text(reports))
    return EXIT_OK if all(item.is_as_stated for item in reports) else EXIT_NEGATIVE


def chosen(workspace: Workspace, tags: str) -> tuple[Component, ...]:
    """Return the models with a download that match ``tags``, sorted by name. Raises UnknownNameError if none does."""
    query = parse_query(tags, where="--models")
    refuse_unknown_tags(query, workspace.index.components, "--models")
    found = [
        item for item in workspace.index.match(query, ["package"]) if item.model and item.fetch and item.fetch[0].url
    ]
    if not found:
        raise UnknownNameError(
            f"no downloadable model matches {str(query)!r}",
            where="--models",
            fix="see docs/reference/models.md for the tags of each",
        )
    return tuple(sorted(found, key=lambda item: item.ref))


class Checker:
    """Checks models one by one; downloads stay in the store, unpacked files in ``folder`` are removed."""

    def __init__(self, workspace: Workspace, fetcher: Fetcher, folder: Path, *, is_trusted: bool) -> None:
        self.workspace, self.fetcher, self.folder, self.is_trusted = workspace, fetcher, folder, is_trusted
        self.context = context_for(workspace, folder)
        self._pythons: dict[str, Path | LoomError] = {}

    def check(self, component: Component) -> FileReport:
        """Return how the model's published file compares with the component.

        Errors of a file are part of the report.
        """
        place = self.folder / component.alias
        try:
            download, agrees = self._download(component)
            place.mkdir()
            return report_on(component, download.path, self._examined(component, download, place, agrees))
        except (LoomError, OSError) as error:
            why = (error.what, *error.why) if isinstance(error, LoomError) else (str(error),)
            return FileReport(component=component.ref, file=component.file, unchecked=why)
        finally:
            remove_tree(place)

    def _download(self, component: Component) -> tuple[Download, bool]:
        """Return the file and whether it has the stated size and digest; if no source has such a file, the file that there is."""
        fetch, source = component.fetch[0], self.workspace.index.folder(component)
        try:
            return self.fetcher.obtain(fetch, source), bool(fetch.digest)
        except IntegrityError:
            other = msgspec.structs.replace(fetch, digest="", size=None)
            return self.fetcher.obtain(other, source), False

    def _examined(self, component: Component, download: Download, place: Path, agrees: bool) -> FoundFile:
        """Unpack the file, and open it with its backend in a separate process."""
        fetch, path = component.fetch[0], download.path
        problems: tuple[str, ...] = ()
        if fetch.archive:
            try:
                extract(path, fetch.archive, place, member=fetch.member, name=file_name(fetch))
                path = place / component.result
            except IntegrityError as error:  # the download itself is then examined
                problems = (error.what,)
        if not path.is_file():
            return FoundFile(appearance=f"{fetch.archive} archive without {component.result}")
        found = self._opened(component, path, download.digest if agrees else "", place)
        return msgspec.structs.replace(found, problems=(*problems, *found.problems))

    def _opened(self, component: Component, path: Path, digest: str, place: Path) -> FoundFile:
        assert component.model is not None
        backend = backend_for(self.workspace.index, component.model)
        python = self._python(backend)
        facts = Facts(role="model", component=component.ref, path=str(path), digest=digest, model=component.model)
        file, told, log = place / "found.json", place / "facts.json", self.context.logs / f"{component.alias}.log"
        told.write_bytes(to_json(facts))
        result = run_process(
            [
                str(sys.executable if isinstance(python, LoomError) else python),
                *("-m", "benchloom.harness.examine", str(file), backend),
                *(["--trust"] if self.is_trusted else []),
            ],
            cwd=place,
            env=clean_environment(self.context.environ, {**runtime_variables(self.context), "LOOM_MODEL": str(told)}),
            timeout=SECONDS,
            stdout=log,
            stderr=log,
        )
        if result.status != "ok":
            why = last_lines(log, 1) or [f"it ended with {result.exit_code or result.signal}"]
            return FoundFile(unopened=f"{backend}: {result.status}: {why[-1]}")
        found = msgspec.json.decode(file.read_bytes(), type=FoundFile)
        if isinstance(python, LoomError) and found.unopened:
            return msgspec.structs.replace(found, unopened=f"{backend} cannot be installed: {python.what}")
        return found

    def _python(self, backend: str) -> Path | LoomError:
        """Return the interpreter that has ``backend``, installed on the first call, or why there is none."""
        if backend not in self._pythons:
            try:
                made = plan(self.workspace, PlanRequest(name=f"{SCRIPT},_{backend}"), to_run=False)
                self._pythons[backend] = prepare(made, self.context).python
            except LoomError as error:
                self._pythons[backend] = error
        return self._pythons[backend]


class _WarningTalk(Silent):
    """Talk for downloads: progress and warnings; notes are left out, since digests are part of the report."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def warn(self, text: str) -> None:
        """Print one line of warning."""
        _say(f"warning: {text}")

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str) -> Iterator[Progress]:
        """Report the units done; work without units is reported by its parts."""
        if not unit:
            with super().progress(label, total, unit) as bar:
                yield bar
            return
        count = _Count()
        with report_progress(self.environ, label, unit, total, lambda: count.done):
            yield count


class _ReportingTalk(_WarningTalk):
    """Talk for everything else, with notes."""

    def note(self, text: str) -> None:
        """Print one line of information."""
        _say(text)


class _Count:
    done = 0

    def advance(self, amount: int) -> None:
        """Add ``amount`` units."""
        self.done += amount

    def total(self, amount: int | None) -> None:
        """Ignore: the first total is kept."""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def backend_for(index: Index, model: Model) -> str:
    """Return the name of a backend that supports the format of ``model``, preferably the default one; the format if none does."""
    takers = [item for item in index.components if item.backend and model.format in item.backend.formats]
    first = min(takers, key=lambda item: ("backend" not in item.default_for, item.ref), default=None)
    return first.backend.name if first and first.backend else model.format


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, Path.cwd()))
