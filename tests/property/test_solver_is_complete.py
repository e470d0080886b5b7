"""The solver finds an answer exactly where trying out every combination finds one, and it is always a right one."""

import itertools
from collections.abc import Iterator

from hypothesis import event, given, settings
from hypothesis import strategies as st

from benchloom.errors import ResolutionError
from benchloom.index.index import Index
from benchloom.index.read import EntryReading
from benchloom.model.component import Component, Install, Requirement, Version
from benchloom.model.plan import Platform
from benchloom.model.query import parse_query
from benchloom.model.version import parse_range
from benchloom.resolve.forced import forced_conflict
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.options import Examiner
from benchloom.resolve.solve import Solution, solve

HOST = HostFacts(platform=Platform(os="linux", arch="x86_64", python="3.11"))
ROLES = 4
RANGES = ["", ">=2", "<3", "==2", "!=2", ">=3"]

NEEDS = st.dictionaries(st.integers(1, ROLES - 1), st.sampled_from(RANGES), max_size=3)
COMPONENTS = st.lists(
    st.tuples(
        st.integers(0, ROLES - 1),  # the role whose tag it has
        st.integers(0, 2),  # its family
        st.sets(st.sampled_from("123"), min_size=1, max_size=3),
        NEEDS,
    ),
    min_size=2,
    max_size=6,
)


def _universe(drawn: list[tuple[int, int, set[str], dict[int, str]]]) -> Index:
    reads = []
    for number, (role, family, versions, needs) in enumerate(drawn):
        ref = f"package:c{number}"
        requires = tuple(
            Requirement(role=f"r{need}", query=parse_query(f"t{need}" + (f",@{text}" if text else "")), requirer=ref)
            for need, text in sorted(needs.items())
            if need > role  # so that there are no circles
        )
        component = Component(
            kind="package",
            alias=f"c{number}",
            uid="",
            repo="t",
            path=f"package/c{number}",
            file=f"package/c{number}/.cm/meta.json",
            tags=(f"t{role}",),
            family=f"soft:f{family}",
            priority=number,  # so that nothing is ambiguous
            versions=tuple(Version(version=version) for version in sorted(versions)),
            requires=requires,
            install=Install(script="x.py"),
        )
        reads.append(EntryReading(component=component, findings=()))
    return Index((), reads)


Choice = dict[str, tuple[Component, str]]


def _active(choice: Choice, roots: list[Requirement]) -> Iterator[tuple[Requirement, tuple[Component, str]]]:
    """Yield every requirement that the chosen things bring about, with what answers it."""
    waiting, seen = list(roots), set()
    while waiting:
        need = waiting.pop()
        yield need, choice[need.role]
        if need.role not in seen:
            seen.add(need.role)
            waiting.extend(choice[need.role][0].requires)


def _fits(choice: Choice, roots: list[Requirement]) -> bool:
    members: dict[str, tuple[str, str]] = {}
    for need, (component, version) in _active(choice, roots):
        if not set(need.query.tags) <= component.names or not parse_range(need.query.version).admits(version):
            return False
        if members.setdefault(component.family, (component.ref, version)) != (component.ref, version):
            return False
    return True


def _any_fits(universe: Index, roots: list[Requirement]) -> bool:
    everything = [(item, version.version) for item in universe.components for version in item.versions]
    names = [f"r{number}" for number in range(ROLES)]
    pools = [
        [pair for pair in everything if f"t{number}" in pair[0].names] or everything[:1] for number in range(ROLES)
    ]
    return any(_fits(dict(zip(names, combination, strict=True)), roots) for combination in itertools.product(*pools))


def _solve(universe: Index, target: Requirement) -> Solution | ResolutionError:
    try:
        return solve(target, universe, HOST, Overrides())
    except ResolutionError as error:
        return error


@settings(max_examples=500, deadline=None)
@given(COMPONENTS, st.sampled_from(RANGES))
def test_solver_agrees_with_trying_everything(drawn: list[tuple[int, int, set[str], dict[int, str]]], text: str):
    universe = _universe(drawn)
    target = Requirement(role="r0", query=parse_query(f"t0,@{text}" if text else "t0"), requirer="the test")
    solution = _solve(universe, target)
    event(type(solution).__name__)
    if isinstance(solution, ResolutionError):
        assert not _any_fits(universe, [target])
        assert solution.fix
        assert solution.why
        return
    choice = {role: (item.component, item.candidate.version) for role, item in solution.options.items()}
    assert _fits(choice, [target])
    again = _solve(_universe(drawn), target)
    assert isinstance(again, Solution)
    assert {role: item.candidate for role, item in again.options.items()} == {
        role: item.candidate for role, item in solution.options.items()
    }


@settings(max_examples=500, deadline=None)
@given(COMPONENTS, st.sampled_from(RANGES))
def test_forced_conflict_is_seen_only_where_nothing_fits(
    drawn: list[tuple[int, int, set[str], dict[int, str]]], text: str
):
    universe = _universe(drawn)
    target = Requirement(role="r0", query=parse_query(f"t0,@{text}" if text else "t0"), requirer="the test")
    found = forced_conflict([target], Examiner(universe, HOST, Overrides(), "isolated"))
    event(type(found).__name__)
    assert found is None or not _any_fits(universe, [target])
