"""The blocks of a component: program, model, data set, profile."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchloom.authoring.lint_rules.seam import LintSubject, rule
from benchloom.base import bounded, limits
from benchloom.base.members import members
from benchloom.base.names import nearest_or_all
from benchloom.datasets.layouts.seam import layout_of, layouts
from benchloom.errors import InputError
from benchloom.model.component import Component
from benchloom.model.facts import Profile
from benchloom.model.finding import Finding
from benchloom.model.inputs import INPUT_PREFIX, check_value
from benchloom.resolve.options import RANDOM_WEIGHTS
from benchloom.store.archive import extract
from benchloom.store.fetch import place_of

_TASKS = "benchloom.harness.tasks"  # its modules are the names; none of them is imported here


@rule("program-can-run")
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


@rule("known-inputs")
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


@rule("known-task")
def _known_task(subject: LintSubject) -> Iterator[Finding]:
    """A model or data set is for a task that the harness supports."""
    for block, facts in (("model", subject.component.model), ("dataset", subject.component.dataset)):
        if facts is not None:
            yield from _among(subject, "task", facts.task, members(_TASKS), (block, "task"))


@rule("known-layout")
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


@rule("dataset-count-matches")
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


@rule("model-is-complete")
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


@rule("profile-shape-fits")
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
