"""Resolution over components in memory: what the command line cannot show, or not as closely."""

import ast
from pathlib import Path

import pytest

import benchloom.resolve
from benchloom.errors import ResolutionError
from benchloom.model.component import Fetch, Install, Variation, Version
from benchloom.model.detect import Detect, PythonModule
from benchloom.model.plan import TARGET_ROLE, Candidate, Plan, Platform
from benchloom.resolve.host import HostFacts, Installed
from benchloom.resolve.reach import reachable
from benchloom.resolve.variations import choose
from support.components import BUILT, PLATFORM, entry, need, planned, universe


def _node(plan: Plan, role: str) -> Candidate:
    return next(node.candidate for node in plan.nodes if role in node.roles)


def test_role_two_requirers_one_of_whom_names_a_variation_is_answered_once():
    size = {
        "big": Variation(name="big", group="size", env={"S": "big"}),
        "small": Variation(name="small", group="size", env={"S": "small"}, default=True),
    }
    plan = planned(
        entry("script", "app", "app", requires=(need("a", "thing"), need("step", "step"))),
        entry("script", "step", "step", requires=(need("a", "thing,_big", "script:step"),)),
        entry("package", "thing", "thing", install=BUILT, variations=size),
    )

    assert _node(plan, "a").variations == ("big",)
    assert sum("a" in node.roles for node in plan.nodes) == 1


def test_role_first_answered_alone_is_answered_again_for_all():
    """``a`` sorts before ``z``: it is answered before what narrows it is known."""
    plan = planned(
        entry("script", "app", "app", requires=(need("a", "lib"), need("z", "z"))),
        entry("script", "z", "z", requires=(need("a", "lib,@<2", "script:z"),)),
        entry("package", "lib", "lib", install=BUILT, versions=(Version(version="1.0"), Version(version="2.0"))),
    )
    assert _node(plan, "a").version == "1.0"


def test_answer_that_was_replaced_leaves_no_requirements_behind():
    plan = planned(
        entry("script", "app", "app", requires=(need("a", "lib"), need("z", "z"))),
        entry("script", "z", "z", requires=(need("a", "lib,old", "script:z"), need("b", "dep,@>=2", "script:z"))),
        entry("package", "new", "lib", priority=1, install=BUILT, requires=(need("b", "dep,@<2", "package:new"),)),
        entry("package", "old", "lib,old", install=BUILT),
        entry("package", "dep", "dep", install=BUILT, versions=(Version(version="1"), Version(version="2"))),
    )

    assert _node(plan, "a").component == "package:old"
    assert _node(plan, "b").version == "2"


def test_optional_requirement_narrows_but_brings_nothing_in():
    lib = entry("package", "lib", "lib", install=BUILT, versions=(Version(version="1"), Version(version="2")))
    alone = entry("script", "app", "app", requires=(need("a", "lib,@<2", optional=True),))
    both = entry("script", "app", "app", requires=(need("a", "lib,@<2", optional=True), need("a", "lib")))

    assert [node.id for node in planned(alone, lib).nodes] == ["script:app"]
    assert _node(planned(both, lib), "a").version == "1"


def test_version_environment_is_exported_and_changes_the_key():
    def made(text: str) -> Plan:
        versions = (Version(version="1", env={"URL": text}),)
        return planned(entry("package", "app", "app", install=BUILT, versions=versions))

    assert made("one").nodes[0].env == {"URL": "one"}
    assert made("one").nodes[0].key != made("two").nodes[0].key


def test_key_of_what_is_built_depends_on_the_version_found_on_the_machine():
    def made(version: str) -> str:
        found = Candidate(component="soft:gcc", family="soft:gcc", version=version, origin="detected", location="/x")
        host = HostFacts(platform=PLATFORM, detected=(found,))
        app = entry("package", "app", "app", install=BUILT, requires=(need("cc", "gcc"),))
        return planned(app, entry("soft", "gcc", "gcc"), host=host).nodes[-1].key

    assert made("12.1") == made("12.1")
    assert made("12.1") != made("13.2")


def test_key_of_what_is_only_fetched_is_the_same_on_every_platform():
    fetched = entry("package", "app", "app", fetch=(Fetch(url="http://x/y", digest="sha256:0"),))
    built = entry("package", "app", "app", install=BUILT)
    other = HostFacts(platform=Platform(os="darwin", arch="arm64", python="3.12"))

    assert planned(fetched).nodes[0].key == planned(fetched, host=other).nodes[0].key
    assert planned(built).nodes[0].key != planned(built, host=other).nodes[0].key


def test_entry_that_was_installed_from_other_files_is_not_called_installed():
    stale = HostFacts(platform=PLATFORM, installed=frozenset([Installed(component="package:app")]))
    node = planned(entry("package", "app", "app", install=BUILT), host=stale).nodes[0]

    assert (node.action, node.candidate.origin) == ("build", "installable")


def test_role_called_python_keeps_both_its_answer_and_the_environment():
    library = entry("package", "lib", "lib", install=Install(pip="lib"), versions=(Version(version="1"),))
    python = entry("package", "py", "py", install=BUILT)
    app = entry("script", "app", "app", install=BUILT, requires=(need("python", "py"), need("lib", "lib")))
    plan = planned(app, library, python)

    assert sorted(plan.node("script:app").needs.values()) == ["package:lib", "package:py", "python"]


def test_scripts_of_different_configuration_stand_side_by_side():
    speed = {"fast": Variation(name="fast", env={"S": "1"}), "slow": Variation(name="slow", env={"S": "2"})}
    plan = planned(
        entry("script", "app", "app", requires=(need("a", "s,_fast"), need("b", "s,_slow"))),
        entry("script", "s", "s", variations=speed),
    )
    assert [node.id for node in plan.nodes] == ["script:s,_fast", "script:s,_slow", "script:app"]


def test_reachable_does_not_look_at_what_an_override_without_tags_would_match():
    components = (entry("package", "app", "app"), entry("soft", "other", "other"))
    found = universe(*components)
    override = need("a", "@>=2", "the command line", optional=True)

    assert [item.ref for item in reachable([need(TARGET_ROLE, "app"), override], found)] == ["package:app"]


def test_python_library_conflict_names_its_own_reason():
    found = Candidate(component="soft:lib", family="soft:lib", version="2.0", origin="detected")
    host = HostFacts(platform=PLATFORM, detected=(found,))
    soft = entry("soft", "lib", "lib", detect=Detect(python=PythonModule(distribution="lib")))
    package = entry(
        "package", "lib", "lib", family="soft:lib", install=Install(pip="lib"), versions=(Version(version="1"),)
    )
    app = entry("script", "app", "app", requires=(need("lib", "lib,@>=9"),))

    with pytest.raises(ResolutionError) as caught:
        planned(app, soft, package, host=host)
    assert "soft:lib has 2.0" in caught.value.why
    assert "package:lib has 1" in caught.value.why


def test_two_roles_of_one_family_with_different_env_are_a_conflict():
    """A package stands in a plan once: it cannot be built with two values of one variable."""

    def made(one: str, other: str) -> Plan:
        needs = (need("a", "thing", env={"SIZE": one}), need("b", "thing", env={"SIZE": other}))
        return planned(
            entry("script", "app", "app", requires=needs),
            entry("package", "thing", "thing", install=BUILT),
        )

    [node] = [node for node in made("1", "1").nodes if node.id == "package:thing"]
    assert (node.roles, node.env) == (("a", "b"), {"SIZE": "1"})
    with pytest.raises(ResolutionError, match="can be in a plan only once") as caught:
        made("1", "2")
    assert caught.value.why[:2] == (
        "package:app needs thing with SIZE=1 as a (package:app: a)",
        "package:app needs thing with SIZE=2 as b (package:app: b)",
    )


@pytest.mark.parametrize(
    ("wanted", "excluded", "variations", "problem"),
    [
        ("", "", ("g1", "on"), ""),
        ("g2", "", ("g2", "on"), ""),
        ("based", "", ("based", "g2", "on"), ""),
        ("based,g1", "", (), "variations 'g2' and 'g1' are both in group 'g'"),
        ("brings", "", ("brings", "g2", "on"), ""),
        ("", "on", ("g1",), ""),
        ("", "g1", ("on",), ""),
        ("other", "", ("g1", "other"), ""),
        ("p.4", "", ("g1", "on", "p.4"), ""),
        ("p.4,p.8", "", (), "variations 'p.4' and 'p.8' are both in group 'p.#'"),
        ("p", "", (), "variation 'p' needs a value: _p.VALUE"),
        ("othr", "", (), "it has no variation 'othr', did you mean 'other'? (it has: alias, based, "),
        ("alias", "", ("g2", "on"), ""),
        ("alias", "g2", (), "variation 'g2' is both requested and excluded"),
        ("", "alias", ("g1", "on"), ""),
    ],
)
def test_choose_applies_explicit_then_default_variations(
    wanted: str, excluded: str, variations: tuple[str, ...], problem: str
):
    made = [
        Variation(name="g1", group="g"),
        Variation(name="g2", group="g", env={"G": "2"}),
        Variation(name="on", default=True, env={"K": "on"}),
        Variation(name="other", env={"K": "other"}),
        Variation(name="based", base=("g2",)),
        Variation(name="brings", default_variations={"g": "g2"}),
        Variation(name="p.#", env={"P": "#"}),
        Variation(name="alias", alias="g2"),
    ]
    table = {item.name: item for item in made}
    component = entry("package", "x", "x", variations=table, default_variations={"g": "g1"})
    choice = choose(component, [w for w in wanted.split(",") if w], [w for w in excluded.split(",") if w])

    if problem:
        assert choice.problem.startswith(problem)
    else:
        assert (choice.variations, choice.problem) == (variations, "")


def test_resolution_reads_no_clock_environment_file_or_network():
    impure = {
        "os",
        "sys",
        "time",
        "datetime",
        "random",
        "platform",
        "socket",
        "subprocess",
        "pathlib",
        "tempfile",
        "uuid",
    }
    folder = Path(benchloom.resolve.__file__).parent
    for file in folder.glob("*.py"):
        for statement in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            names += [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []
            assert not impure & {name.partition(".")[0] for name in names}, file.name
            assert not (isinstance(statement, ast.Name) and statement.id in {"open", "input", "print"}), file.name
