"""The rules of lint: each is one small function that checks one component; its docstring is the description."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.digest import ALGORITHMS, of_file
from benchloom.base.members import members
from benchloom.base.names import did_you_mean, nearest_or_all
from benchloom.datasets.layouts.seam import layout_of, layouts
from benchloom.errors import InputError
from benchloom.index.index import Index
from benchloom.index.repositories import Repository
from benchloom.model.component import Base, Component, Fetch, Requirement
from benchloom.model.facts import Profile
from benchloom.model.finding import Finding, Severity
from benchloom.model.inputs import check_value
from benchloom.model.query import Query, parse_query
from benchloom.model.variation import find_variation
from benchloom.resolve.options import ANSWERING_KINDS, RANDOM_WEIGHTS
from benchloom.run.process import INPUT_PREFIX
from benchloom.store.archive import extract
from benchloom.store.commands import why_not_run
from benchloom.store.fetch import place_of

PLACEHOLDER = "FIXME"
UNFINISHED = "unfinished"
_FILLER = frozenset({"component", "example", "misc", "other", "stuff", "tag", "tags", "test", "todo", "various"})
_TASKS = "benchloom.harness.tasks"  # its modules are the names; none of them is imported here
_TAG = re.compile(r"[a-z0-9][a-z0-9._+-]*")
_DIGEST = {"md5": 32, "sha256": 64, "sha384": 96, "sha512": 128}

Fix = Literal["", "sync"]


@dataclass(frozen=True)
class LintSubject:
    """One component to check, with all components that may match its requirements."""

    component: Component
    repository: Repository
    universe: Index

    @property
    def folder(self) -> Path:
        """The component's folder."""
        return Path(self.repository.path) / self.component.path

    @cached_property
    def known(self) -> frozenset[str]:
        """Every tag and variation name of these components."""
        return frozenset(
            name for item in self.universe.components if item.kind in ANSWERING_KINDS for name in item.names
        )

    def _root(self, base: Base | None) -> Path:
        """Return the folder of the repository that a base is of, or of the component's."""
        alias = base.repo if base else ""
        found = (item.path for item in self.universe.repositories if item.alias == alias)
        return Path(next(found, self.repository.path))

    def finding(self, severity: Severity, message: str, key: Sequence[str] = (), fix: str = "") -> Finding:
        """Return a finding about ``key`` of the component's file, with its line; the rule is set later."""
        from benchloom.index.locate import locate  # late: YAML is needed only to say where something is wrong

        dotted = ".".join(key)
        base = self.component.base_of(dotted)
        return Finding(
            rule="",
            severity=severity,
            subject=self.component.ref,
            message=message,
            file=base.shown if base else self.component.file,
            line=locate(self._root(base) / (base or self.component).file, key) if key else 0,
            key=dotted,
            fix=fix,
        )


Check = Callable[[LintSubject], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A check with its name; one without a function is done by the readers or for a whole repository."""

    id: str
    group: str
    description: str
    check: Check | None = None
    fix: Fix = ""


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("unknown-key", "reading", "Every key is known."),
        Rule("broken-file", "reading", "Metadata files can be read."),
        Rule("bad-value", "reading", "Values have the type of their key."),
        Rule("unreadable-folder", "reading", "Every folder below a kind can be read, and has a UTF-8 name."),
        Rule("bad-base", "reading", "The base of an entry (_base_entry) exists, and does not inherit from it."),
        Rule("no-metadata", "reading", "A folder below a kind contains a component."),
        Rule("uid-not-text", "reading", "A uid is a string, since a number loses its zeros."),
        Rule("bad-uid", "reading", "A uid has 16 lower-case hexadecimal digits."),
        Rule("unknown-variation", "reading", "A query or default names existing variations."),
        Rule(
            "unheard-key",
            "reading",
            "Keys by which CK, CM or MLC choose or run something else are supported here as well.",
        ),
        Rule("version-not-text", "reading", "A version is a string, since a number loses its zeros."),
        Rule("duplicate-uid", "reading", "No two components have the same uid."),
        Rule("hidden-component", "reading", "No component hides another one of the same name."),
        Rule("identity-drift", "repository", "The tables for CK and CM are up to date.", fix="sync"),
    )
}


def rule(id: str, group: str) -> Callable[[Check], Check]:
    """Register a check under ``id``; the first line of its docstring is its description."""

    def register(check: Check) -> Check:
        RULES[id] = Rule(id, group, (check.__doc__ or "").partition("\n")[0], check)
        return check

    return register


# -- identity -------------------------------------------------------------------------------------------------------


@rule("has-uid", "identity")
def _has_uid(subject: LintSubject) -> Iterator[Finding]:
    """A component has a uid."""
    if not subject.component.uid:
        yield subject.finding("warning", "it has no uid", fix=f"loom repo sync {subject.repository.path}")


@rule("component-has-summary", "identity")
def _has_summary(subject: LintSubject) -> Iterator[Finding]:
    """A component has a summary of one line."""
    summary = subject.component.summary
    if not summary:
        yield subject.finding("warning", "it has no summary", fix="describe it in one line")
    elif "\n" in summary.strip():
        yield subject.finding("warning", "its summary has several lines", ("summary",))


@rule("component-has-licence", "identity")
def _has_licence(subject: LintSubject) -> Iterator[Finding]:
    """A component states the licence of its content."""
    if not subject.component.licence:
        yield subject.finding("warning", "it has no licence", fix="write its SPDX identifier under 'licence'")


@rule("component-has-maintainers", "identity")
def _has_maintainers(subject: LintSubject) -> Iterator[Finding]:
    """A component names its maintainers."""
    if not subject.component.maintainers:
        yield subject.finding("warning", "it has no maintainers", fix="name at least one under 'maintainers'")


@rule("component-has-sources", "identity")
def _has_sources(subject: LintSubject) -> Iterator[Finding]:
    """A component states the sources of its facts."""
    if not subject.component.sources:
        yield subject.finding("warning", "it has no sources", fix="give the pages its facts come from under 'sources'")


@rule("component-has-tags", "identity")
def _has_tags(subject: LintSubject) -> Iterator[Finding]:
    """A component has at least three tags, none of them filler."""
    tags = subject.component.tags
    if len(tags) < 3:
        yield subject.finding("warning", f"it has {len(tags)} tags, at least three are required", ("tags",))
    for tag in tags:
        if tag in _FILLER:
            yield subject.finding("warning", f"the tag {tag!r} is meaningless", ("tags",), "choose a descriptive one")


@rule("tags-are-plain", "identity")
def _tags_are_plain(subject: LintSubject) -> Iterator[Finding]:
    """Tags are lower-case words of letters, digits and . _ + -, so that a query can name them."""
    for tag in subject.component.tags:
        if not _TAG.fullmatch(tag):
            yield subject.finding("warning", f"the tag {tag!r} is not plain", ("tags",), "use a-z, 0-9 and . _ + -")


@rule("filled-in", "identity")
def _is_filled_in(subject: LintSubject) -> Iterator[Finding]:
    """No placeholder of the skeleton is left."""
    file = Path(subject.repository.path) / subject.component.file
    text = bounded.read_bytes(file, limits.METADATA_BYTES).decode(errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if PLACEHOLDER in line:
            yield msgspec.structs.replace(subject.finding("info", "a placeholder has not been filled in"), line=number)
    if UNFINISHED in subject.component.tags:
        yield subject.finding("info", f"the tag {UNFINISHED!r} waits for a better one", ("tags",))


# -- what it fetches ------------------------------------------------------------------------------------------------


@rule("fetch-has-digest", "fetch")
def _fetch_has_digest(subject: LintSubject) -> Iterator[Finding]:
    """A download has a digest, or states under 'unpinned' why not; md5 alone is a warning."""
    for key, fetch in _fetches_by_key(subject.component):
        path = key.split(".")
        algorithm, _, digits = fetch.digest.partition(":")
        if fetch.digest and not _is_digest(algorithm, digits):
            yield subject.finding("error", f"{fetch.digest!r} is not a digest", path, "write sha256:<64 digits>")
        elif fetch.url and not fetch.digest and not fetch.unpinned:
            fix = "state its digest, or under 'unpinned' why there is none"
            yield subject.finding("error", f"{fetch.url} has no digest", path, fix)
        elif algorithm == "md5":
            yield subject.finding("warning", "md5 is its only digest", path, "download it once and state its sha256")


@rule("fetch-is-one-source", "fetch")
def _fetch_is_one_source(subject: LintSubject) -> Iterator[Finding]:
    """A file has either a URL or a path."""
    for key, fetch in _fetches_by_key(subject.component):
        if bool(fetch.url) == bool(fetch.path):
            yield subject.finding("error", "exactly one of url and path is needed", key.split("."))


@rule("fetch-path-matches", "fetch")
def _fetch_path_matches(subject: LintSubject) -> Iterator[Finding]:
    """A file that ships with the component exists, with the stated size and digest."""
    for key, fetch in _fetches_by_key(subject.component):
        if not fetch.path:
            continue
        problem = _local_problem(subject.folder, fetch)
        if problem:
            yield subject.finding("error", f"{fetch.path} {problem}", key.split("."))


def _local_problem(folder: Path, fetch: Fetch) -> str:
    path = folder / fetch.path
    if not path.resolve().is_relative_to(folder.resolve()):
        return "leads outside the component's folder"
    if not path.is_file():
        return "is not there"
    if fetch.size is not None and path.stat().st_size != fetch.size:
        return f"has {path.stat().st_size} bytes, not {fetch.size}"
    algorithm = fetch.digest.partition(":")[0]
    if algorithm in ALGORITHMS and (actual := of_file(path, algorithm)) != fetch.digest:
        return f"is {actual}, not {fetch.digest}"
    return ""


def _is_digest(algorithm: str, digits: str) -> bool:
    return _DIGEST.get(algorithm) == len(digits) and bool(re.fullmatch(r"[0-9a-f]+", digits))


def _fetches_by_key(component: Component) -> Iterator[tuple[str, Fetch]]:
    yield from ((f"fetch.{place}", item) for place, item in enumerate(component.fetch))
    for number, version in enumerate(component.versions):
        yield from ((f"versions.{number}.fetch.{place}", item) for place, item in enumerate(version.fetch))
    for name, variation in component.variations.items():
        yield from ((f"variations.{name}.fetch.{place}", item) for place, item in enumerate(variation.fetch))


# -- what it needs --------------------------------------------------------------------------------------------------


@rule("unanswerable-need", "needs")
def _needs_are_answerable(subject: LintSubject) -> Iterator[Finding]:
    """Every requirement is matched by some component."""
    inner = [need for variation in subject.component.variations.values() for need in variation.requires]
    for need in (*subject.component.requires, *inner):
        problem, fix = _unanswerable(subject, need)
        if problem:
            key = need.where.partition(": ")[2]
            yield subject.finding("warning" if need.optional else "error", problem, key.split("."), fix)


def _unanswerable(subject: LintSubject, need: Requirement) -> tuple[str, str]:
    for tag in need.query.tags:
        if tag not in subject.known:
            return f"no component has the tag {tag!r}", did_you_mean(tag, subject.known) or "see loom find"
    query = Query(tags=need.query.tags, without=need.query.without, variations=need.query.variations)
    if not subject.universe.match(query, ANSWERING_KINDS):
        return f"no component matches {str(query)!r}", f"see loom find --tags={','.join(need.query.tags[:1])}"
    return "", ""


@rule("variation-exists", "needs")
def _variations_exist(subject: LintSubject) -> Iterator[Finding]:
    """Defaults, bases and aliases of variations name existing variations, defaults in their own group."""
    component = subject.component
    there = {group: name for group, name in component.default_variations.items() if find_variation(component, name)}
    named: list[tuple[str, Mapping[str, str], tuple[str, ...]]] = [("default_variations", there, ())]
    for name, item in component.variations.items():
        bases = (*item.base, *([item.alias] if item.alias else []))
        named.append((f"variations.{name}", item.default_variations, bases))
    for key, defaults, others in named:
        wanted = [*((group, name) for group, name in defaults.items()), *(("", name) for name in others)]
        for group, chosen in wanted:
            if problem := _variation_problem(component, group, chosen):
                yield subject.finding("error", problem, key.split("."), did_you_mean(chosen, component.variations))


def _variation_problem(component: Component, group: str, name: str) -> str:
    found = find_variation(component, name)
    if found is None:
        return f"there is no variation {name!r}"
    if group and found.group != group:
        return f"the variation {name!r} is not in group {group!r}"
    return ""


@rule("default-version-exists", "needs")
def _default_version_exists(subject: LintSubject) -> Iterator[Finding]:
    """The default version is one of its versions."""
    known = [item.version for item in subject.component.versions]
    chosen = subject.component.default_version
    if chosen and known and chosen not in known:
        yield subject.finding("error", f"it has no version {chosen!r}", ("default_version",), ", ".join(known))


@rule("default-for-parses", "needs")
def _default_for_parses(subject: LintSubject) -> Iterator[Finding]:
    """Each query under 'default_for' is valid, and the component matches it."""
    for text in subject.component.default_for:
        try:
            query = parse_query(text)
        except InputError as error:
            yield subject.finding("error", error.what, ("default_for",), error.fix)
            continue
        if not frozenset(query.tags) <= subject.component.names:
            yield subject.finding("error", f"it does not match {text!r} itself", ("default_for",))


@rule("ck-query-means-it", "needs")
def _ck_queries_mean_it(subject: LintSubject) -> Iterator[Finding]:
    """Each query under 'ck_queries' is answered by the component, and by no other of its kind in its repository."""
    for text in subject.component.ck_queries:
        try:
            query = parse_query(text)
        except InputError as error:
            yield subject.finding("error", error.what, ("ck_queries",), error.fix)
            continue
        found = subject.universe.match(query, (subject.component.kind,))
        others = [
            item.ref for item in found if item.repo == subject.component.repo and item.ref != subject.component.ref
        ]
        if subject.component not in found:
            yield subject.finding("error", f"it does not match {text!r} itself", ("ck_queries",), "add the tags")
        elif others:
            yield subject.finding("error", f"{', '.join(others)} answers {text!r}, too", ("ck_queries",))


# -- what it holds --------------------------------------------------------------------------------------------------


@rule("program-can-run", "content")
def _program_can_run(subject: LintSubject) -> Iterator[Finding]:
    """A program has commands, and its results are in the run directory."""
    program = subject.component.program
    if program is None:
        return
    if not program.commands:
        yield subject.finding(
            "error", "it has no commands", ("run_cmds",), "add run_cmds.default.run_time.run_cmd_main"
        )
    for command in program.commands:
        if not command.text.strip():
            yield subject.finding("error", f"the command {command.name!r} is empty", ("run_cmds", command.name))
    if not program.results or Path(program.results).is_absolute() or ".." in Path(program.results).parts:
        yield subject.finding("error", f"{program.results!r} is not a file of the run directory", ("results",))


@rule("known-inputs", "content")
def _known_inputs(subject: LintSubject) -> Iterator[Finding]:
    """Inputs that a program states as variables are inputs that it declares, with values that they take."""
    program = subject.component.program
    if program is None:
        return
    declared = {f"{INPUT_PREFIX}{item.name.upper()}": item for item in program.inputs}
    tables = [
        (("run_vars",), program.env),
        *((("run_cmds", item.name, "run_vars"), item.env) for item in program.commands),
    ]
    for place, env in tables:
        for variable, value in env.items():
            if not variable.startswith(INPUT_PREFIX):
                continue
            if variable not in declared:
                fix = nearest_or_all(variable, sorted(declared))
                yield subject.finding("error", f"{variable} is not an input that it declares", (*place, variable), fix)
                continue
            try:
                check_value(declared[variable], value)
            except InputError as error:
                yield subject.finding("error", error.what, (*place, variable), error.fix)


@rule("known-task", "content")
def _known_task(subject: LintSubject) -> Iterator[Finding]:
    """A model or data set is for a task that the harness supports."""
    for block, facts in (("model", subject.component.model), ("dataset", subject.component.dataset)):
        if facts is not None:
            yield from _among(subject, "task", facts.task, members(_TASKS), (block, "task"))


@rule("known-layout", "content")
def _known_layout(subject: LintSubject) -> Iterator[Finding]:
    """A data set has a supported layout."""
    if dataset := subject.component.dataset:
        yield from _among(subject, "layout of data sets", dataset.layout, layouts(), ("dataset", "layout"))


def _among(
    subject: LintSubject, what: str, name: str, known: Sequence[str], place: tuple[str, str]
) -> Iterator[Finding]:
    if name not in known:
        fix = nearest_or_all(name, known)
        yield subject.finding("error", f"{name!r} is not a {what}", place, fix)


@rule("dataset-count-matches", "content")
def _dataset_count_matches(subject: LintSubject) -> Iterator[Finding]:
    """A data set whose labels ship with it has the stated number of samples."""
    dataset = subject.component.dataset
    if dataset is None or dataset.layout not in layouts():
        return
    labels = _shipped_text(subject, dataset.labels)
    try:
        count = None if labels is None else layout_of(dataset).samples_in(labels)
    except ValueError as error:
        yield subject.finding("error", f"{dataset.labels} cannot be read: {error}", ("dataset", "labels"))
        return
    if count not in {None, dataset.count}:
        yield subject.finding("error", f"its labels list {count} samples, not {dataset.count}", ("dataset", "count"))


def _shipped_text(subject: LintSubject, name: str) -> str | None:
    """Return the text of ``name`` in the component's files or archives; None if it does not exist.

    Raises OSError and IntegrityError.
    """
    for fetch in subject.component.fetch:
        file = subject.folder / fetch.path
        if not fetch.path or not file.is_file():
            continue
        if fetch.archive:
            place = name.removeprefix(f"{fetch.unpack_to}/") if fetch.unpack_to else name
            text = _text_in_archive(file, fetch.archive, place)
        elif name == place_of(fetch):
            text = _label_text(file)
        else:
            text = None
        if text is not None:
            return text
    return None


def _text_in_archive(archive: Path, kind: str, name: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        for file in extract(archive, kind, Path(folder, "content")):
            if file.relative_to(Path(folder, "content")).as_posix() == name:
                return _label_text(file)
    return None


def _label_text(file: Path) -> str:
    return bounded.read_bytes(file, limits.LABEL_FILE_BYTES).decode(errors="replace")


@rule("model-is-complete", "content")
def _model_is_complete(subject: LintSubject) -> Iterator[Finding]:
    """A model states its classes or why not; one with random weights has the tag random-weights, and no accuracy."""
    model = subject.component.model
    if model is None:
        return
    if model.classes is None and "classes" not in model.unpinned:
        fix = "state them, or under model.unpinned.classes why they are unknown"
        yield subject.finding("error", "it does not state its classes", ("model",), fix)
    if model.weights != "random":
        return
    if RANDOM_WEIGHTS not in subject.component.tags:
        message = f"its weights are random, and it lacks the tag {RANDOM_WEIGHTS} without which it is never chosen"
        yield subject.finding("error", message, ("tags",))
    if model.reference is not None:
        yield subject.finding("error", "random weights have no accuracy", ("model", "reference"))


@rule("profile-shape-fits", "content")
def _profile_shape_fits(subject: LintSubject) -> Iterator[Finding]:
    """The steps of a profile end in the shape and type it states."""
    for where, profile in _profiles(subject.component):
        yield from _misfits(subject, profile, where)


def _profiles(component: Component) -> Iterator[tuple[tuple[str, ...], Profile]]:
    if component.profile:
        yield ("profile",), component.profile
    for name, variation in component.variations.items():
        if variation.profile:
            yield ("variations", name, "profile"), variation.profile


def _misfits(subject: LintSubject, profile: Profile, where: tuple[str, ...]) -> Iterator[Finding]:
    shape = _shape_of(profile)
    plain = tuple(item for item in profile.shape if item != 1)
    if shape and tuple(item for item in shape if item != 1) != plain:
        yield subject.finding("error", f"its steps end in {shape}, not in {profile.shape}", (*where, "shape"))
    dtypes = [step.dtype for step in profile.steps if step.op == "cast"]
    if dtypes and dtypes[-1] != profile.dtype:
        yield subject.finding("error", f"its steps end in {dtypes[-1]}, not {profile.dtype}", (*where, "dtype"))


def _shape_of(profile: Profile) -> tuple[int, ...]:
    """Return the shape the steps end in, or () if they leave it open."""
    size: tuple[int, int] | None = None
    channels, layout = 3, "NHWC"
    for step in profile.steps:
        if step.op == "decode":
            channels = 1 if step.colour == "gray" else 3
        elif step.op in {"resize", "crop"}:
            is_open = step.op == "resize" and step.mode == "short-side"
            size = None if is_open or not step.size else (step.size[0], step.size[-1])
        elif step.op == "transpose":
            layout = step.layout
    if size is None:
        return ()
    return (channels, *size) if layout == "NCHW" else (*size, channels)


@rule("version-command", "detection")
def _version_command(subject: LintSubject) -> Iterator[Finding]:
    """The version command of a program does not require a trusted repository."""
    block = subject.component.detect.executable if subject.component.detect else None
    if block and (why := why_not_run(block)):
        message = f"planning does not run this version command unless the repository is trusted: {why}"
        yield subject.finding("info", message, ("detect", "executable"), f"loom repo trust {subject.repository.alias}")
