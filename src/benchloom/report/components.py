"""A component as text for people; empty sections are left out."""

import re
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence

from benchloom.base.units import human_bytes
from benchloom.model.component import Component, Condition, Fetch, Input, Program, Requirement, Variation
from benchloom.model.detect import Detect
from benchloom.model.facts import Backend, Classes, Dataset, Detections, Model, Profile, Step, Tensor
from benchloom.model.finding import Finding
from benchloom.model.published import CONTAINERS, PublishedFile, StandIn
from benchloom.model.ruleset import Benchmark, Ruleset
from benchloom.rules.figures import FIGURES
from benchloom.rules.metrics import metric_title

Row = Sequence[str]
Section = tuple[str, list[Row]]


def component_text(component: Component, folder: str, files: Sequence[str], findings: Sequence[Finding]) -> str:
    """Return all details of ``component``; ``files`` are relative to ``folder``. No trailing newline."""
    sections: list[Section] = [
        ("", list(_identity(component, folder))),
        ("versions", list(_versions(component))),
        ("variations", list(_variations(component))),
        ("requires", [row for need in component.requires for row in _need(need)]),
        ("downloads", list(_fetches(component))),
        ("install", list(_install(component))),
        ("detected by", list(_detect(component.detect)) if component.detect else []),
        ("model", list(_model(component.model)) if component.model else []),
        ("published file", list(_published(component.published)) if component.published else []),
        ("stand-in", list(_stand_in(component.stand_in)) if component.stand_in else []),
        ("dataset", list(_dataset(component.dataset)) if component.dataset else []),
        ("profile", list(_profile(component.profile)) if component.profile else []),
        ("backend", list(_backend(component.backend)) if component.backend else []),
        ("ruleset", list(_ruleset(component.ruleset)) if component.ruleset else []),
        ("commands", list(_commands(component.program)) if component.program else []),
        ("inputs", [_input(item) for item in component.program.inputs] if component.program else []),
        ("environment", [(name, value) for name, value in sorted(component.env.items())]),
        ("files", [(name,) for name in files]),
        ("findings", [(str(item),) for item in findings]),
    ]
    head = component.ref + (f" - {component.summary}" if component.summary else "")
    return "\n".join([head, *(line for section in sections for line in _lines(*section))])


def _lines(title: str, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    return [*(["", title] if title else []), *(f"  {line}" for line in aligned(rows))]


def aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows as lines with columns two spaces apart; rows may be of different length."""
    widths: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths.get(column, 0), len(cell))
    return ["  ".join([*(c.ljust(widths[i]) for i, c in enumerate(row[:-1])), row[-1]]).rstrip() for row in rows]


def _filled(rows: Iterable[tuple[str, str]]) -> Iterator[Row]:
    return (row for row in rows if row[1])


def _identity(component: Component, folder: str) -> Iterator[Row]:
    rows = [
        ("uid", component.uid),
        ("repository", component.repo),
        ("folder", folder),
        ("tags", ", ".join(component.tags)),
        ("family", component.family if component.family != component.ref else ""),
        ("default for", "; ".join(component.default_for)),
        ("CK asks for it by", "; ".join(component.ck_queries)),
        ("priority", str(component.priority) if component.priority else ""),
        ("result", component.result),
        ("licence", component.licence),
        ("maintainers", ", ".join(component.maintainers)),
        *(("source", item) for item in component.sources),
    ]
    return _filled(rows)


def _versions(component: Component) -> Iterator[Row]:
    for item in component.versions:
        notes = [
            *(["default"] if item.version == component.default_version else []),
            *([f"Python {item.requires_python}"] if item.requires_python else []),
            *([f"unpinned: {item.unpinned}"] if item.unpinned else []),
        ]
        yield item.version, "; ".join(notes)


def _variations(component: Component) -> Iterator[Row]:
    for item in sorted(component.variations.values(), key=lambda item: (item.group, item.name)):
        chosen = item.default or component.default_variations.get(item.group) == item.name
        group = f"{item.group}{' (default)' if chosen else ''}" if item.group else "default" if chosen else ""
        yield f"_{item.name}", group, "; ".join(_effects(item))


def _effects(item: Variation) -> Iterator[str]:
    if item.alias:
        yield f"alias of _{item.alias}"
    if item.version:
        yield f"version {item.version}"
    if item.base:
        yield f"with {' '.join(f'_{name}' for name in item.base)}"
    if item.tags:
        yield f"tags {', '.join(item.tags)}"
    if item.env:
        yield " ".join(f"{name}={value}" for name, value in sorted(item.env.items()))
    if item.requires:
        yield "requires " + ", ".join(f"{need.role} ({need.query})" for need in item.requires)
    if item.fetch:
        yield "downloads " + ", ".join(fetch.url or fetch.path for fetch in item.fetch)


def _need(need: Requirement) -> Iterator[Row]:
    notes = [*(["optional"] if need.optional else []), *(condition_text(item) for item in need.conditions)]
    yield need.role, str(need.query), "; ".join(notes)


def condition_text(condition: Condition) -> str:
    """Return for instance ``if DEVICE is cpu or gpu``."""
    joint = " or " if condition.any else " and "
    options = [
        joint.join(f"{key} is {' or '.join(item or 'empty' for item in values)}" for key, values in table.items())
        for table in condition.alternatives
    ]
    return f"{'unless' if condition.negate else 'if'} {', or '.join(options)}"


def _fetches(component: Component) -> Iterator[Row]:
    for item in component.fetch:
        yield from _fetch(item, "")
    for version in component.versions:
        for item in version.fetch:
            yield from _fetch(item, f"@{version.version}")


def _fetch(item: Fetch, version: str) -> Iterator[Row]:
    size = human_bytes(item.size) if item.size is not None or item.url else ""
    pinned = item.digest or f"unpinned: {item.unpinned}"
    archive = f", {item.archive} archive" if item.archive else ""
    yield " ".join(word for word in (version, item.url or item.path) if word), f"{size}{archive}", pinned
    for mirror in item.mirrors:
        yield f"  or {mirror}", "", ""


def size_text(fetch: Fetch, known: PublishedFile | None) -> str:
    """Return the size of a download: as stated, as rounded by its publisher, or unknown."""
    if fetch.size is not None:
        return f"{fetch.size:,} bytes"
    return f"about {known.rounded_size / 1e6:g} MB" if known and known.rounded_size else "size unknown"


def origin_of(fetch: Fetch) -> str:
    """Return the origin of a download: the Zenodo record, the host, or the component itself."""
    if not fetch.url:
        return "in this repository"
    parts = urllib.parse.urlsplit(fetch.url)
    record = re.match(r"/records?/(\d+)/", parts.path)
    return f"Zenodo record {record[1]}" if parts.hostname == "zenodo.org" and record else parts.hostname or fetch.url


def _published(file: PublishedFile) -> Iterator[Row]:
    yield "container", CONTAINERS[file.container] if file.container else "unknown"
    if file.rounded_size:
        yield "rounded size", f"{file.rounded_size / 1e6:g} MB"
    if file.written_by:
        yield "written by", file.written_by
    yield "verified here", "yes" if file.seen else "no"


def _stand_in(made: StandIn) -> Iterator[Row]:
    yield "check", made.check
    yield "container", CONTAINERS[made.container]
    yield "network", "complete" if made.is_whole else "a small graph with planted answers"
    if made.size:
        yield "size", f"{made.size:,} bytes"


def _install(component: Component) -> Iterator[Row]:
    install = component.install
    if install is None:
        return iter(())
    rows = [
        ("pip", install.pip),
        ("script", " ".join([install.script, *install.arguments]) if install.script else ""),
        ("module", " ".join([install.module, *install.arguments]) if install.module else ""),
    ]
    return _filled(rows)


def _detect(detect: Detect) -> Iterator[Row]:
    if detect.python:
        yield "Python distribution", detect.python.distribution
    if detect.executable:
        yield "program on PATH", ", ".join(detect.executable.names)
    if detect.files:
        yield "files", ", ".join(detect.files.patterns)
        if detect.files.search:
            yield "below", ", ".join(detect.files.search)


def _model(model: Model) -> Iterator[Row]:
    yield "name", model.name
    yield "task", model.task
    yield "format", f"{model.format}, {model.precision}"
    for name, tensors in (("input", model.inputs), ("output", model.outputs)):
        for tensor in tensors:
            yield name, tensor_text(tensor)
    if boxes := model.detections:
        yield "classes", _classes(model.classes)
        yield "boxes", _boxes(boxes)
    else:
        yield "classes", f"{_classes(model.classes)}; prediction by {model.prediction}"
    if model.weights != "trained":
        yield "weights", model.weights
    if model.max_batch is not None:
        yield "largest batch", str(model.max_batch)
    if model.opset is not None:
        yield "opset", str(model.opset)
    if model.reference:
        yield "accuracy", f"{model.reference.metric} {model.reference.value:g} ({model.reference.source})"
        if model.reference.target is not None:
            yield "target", f"{model.reference.target:g}"
    for key, reason in model.unpinned.items():
        yield f"{key} not stated", reason


def _classes(classes: Classes | None) -> str:
    if classes is None:
        return "unknown"
    return f"{classes.count}" + (f", the first {classes.offset} before label 0" if classes.offset else "")


def _boxes(facts: Detections) -> str:
    parts = [
        facts.order,
        f"divided by {facts.scale:g}" if facts.scale != 1 else "",
        "labels are category ids" if facts.labels == "category" else "labels count the categories from 1",
        f"up to the first score below {facts.threshold:g}" if facts.threshold else "",
    ]
    return ", ".join(part for part in parts if part)


def tensor_text(tensor: Tensor) -> str:
    """Return for instance ``input float32 [N, 3, 224, 224] NCHW``."""
    shape = f"[{', '.join(str(item) for item in tensor.shape)}]" if tensor.shape else ""
    meaning = f"({tensor.meaning})" if tensor.meaning else ""
    return " ".join(part for part in (tensor.name, tensor.dtype, shape, tensor.layout, meaning) if part)


def _dataset(dataset: Dataset) -> Iterator[Row]:
    yield "name", dataset.name
    yield "task", dataset.task
    yield "size", f"{dataset.count:,} samples of {dataset.classes:,} classes"
    yield "layout", f"{dataset.layout}: images in {dataset.images or '.'}, labels in {dataset.labels}"


def _profile(profile: Profile) -> Iterator[Row]:
    yield "name", profile.name
    for number, step in enumerate(profile.steps, 1):
        yield f"step {number}", step_text(step)
    yield "sample", f"{profile.dtype} [{', '.join(str(item) for item in profile.shape)}]"
    if profile.only_with_objects:
        yield "images", "only those with annotated objects"


def step_text(step: Step) -> str:
    """Return for instance ``resize 256 short-side, area``."""
    size = "x".join(str(item) for item in step.size)
    values = ", ".join(f"{item:g}" for item in step.values)
    words = (step.op, step.colour, size, step.mode, step.interpolation, step.dtype, values, step.layout)
    return " ".join(word for word in words if word)


def _backend(backend: Backend) -> Iterator[Row]:
    yield "name", backend.name
    yield "devices", ", ".join(backend.devices)


def _ruleset(ruleset: Ruleset) -> Iterator[Row]:
    yield "submission", "its results can be submitted" if ruleset.is_official else "its results cannot be submitted"
    if seeds := ruleset.seeds:
        yield "seeds", f"QSL {seeds.qsl}, sample index {seeds.sample_index}, schedule {seeds.schedule}"
    for name, rules in ruleset.scenarios.items():
        least = "" if rules.min_queries is None else f", {rules.min_queries:,} queries"
        yield name, f"at least {rules.min_duration:g} s{least}; official: {_official(rules.figure)}"
    for name, item in ruleset.benchmarks.items():
        yield name, "; ".join(_benchmark(item))
    yield from (("unknown", f"{fact}: {why}") for fact, why in ruleset.unknown.items())


def _official(key: str) -> str:
    return FIGURES[key].title if key in FIGURES else key


def _benchmark(item: Benchmark) -> Iterator[str]:
    yield f"models {', '.join(item.models)}"
    yield from (f"{metric_title(name)} at least {value:g}" for name, value in item.targets.items())
    yield from (f"{metric_title(name)} at most {value:g}" for name, value in item.at_most.items())
    yield from (f"{name} within {value:g} ms" for name, value in item.latency_bounds_ms.items())
    if item.qsl_size is not None:
        yield f"draws from {item.qsl_size:,} samples"


def _commands(program: Program) -> Iterator[Row]:
    for item in program.commands:
        yield item.name, item.text
    if program.timeout is not None:
        yield "time limit", f"{program.timeout:g} s"


def _input(item: Input) -> Row:
    notes = [
        item.summary,
        *([f"one of {', '.join(item.choices)}"] if item.choices else []),
        *([f"default {item.default}"] if item.default else []),
        *([f"at least {item.minimum:g}"] if item.minimum is not None else []),
        *(["never written to a file"] if item.secret else []),
    ]
    return f"--{item.name}", item.type, "; ".join(note for note in notes if note)
