"""What a component requires, and which queries it answers."""

from collections.abc import Iterator, Mapping

from benchloom.authoring.lint_rules.seam import LintSubject, rule
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.model.component import Component, Requirement
from benchloom.model.finding import Finding
from benchloom.model.query import Query, parse_query
from benchloom.model.variation import find_variation
from benchloom.resolve.options import ANSWERING_KINDS


@rule("unanswerable-need")
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


@rule("variation-exists")
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


@rule("default-version-exists")
def _default_version_exists(subject: LintSubject) -> Iterator[Finding]:
    """The default version is one of its versions."""
    known = [item.version for item in subject.component.versions]
    chosen = subject.component.default_version
    if chosen and known and chosen not in known:
        yield subject.finding("error", f"it has no version {chosen!r}", ("default_version",), ", ".join(known))


@rule("default-for-parses")
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


@rule("ck-query-means-it")
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
