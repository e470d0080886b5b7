"""Where the result of a node is, for each provision, and what is said if it is not there."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from benchloom.base.talk import Silent
from benchloom.errors import InputError, InstallError
from benchloom.model.component import Fetch
from benchloom.model.plan import Candidate, Node, Plan, Platform
from benchloom.model.provision import Built, Detected, Fetched, InEnvironment, InPlace, Provision, Unrecorded
from benchloom.run.context import ExecutionContext
from benchloom.run.facts import facts_of, refuse_lost_result, variable_of
from benchloom.run.prepare import prepare
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher, FetchOptions

CANDIDATE = Candidate(component="package:x", family="package:x", location="/somewhere/else")
NODE = Node(
    id="package:x",
    candidate=CANDIDATE,
    provision=InPlace(),
    repo="trial",
    path="package/x",
    file="package/x/.cm/meta.json",
    key="sha256-1",
)


@pytest.fixture
def context(tmp_path: Path) -> ExecutionContext:
    talk = Silent()
    return ExecutionContext(
        repositories={"trial": tmp_path / "repo"},
        store=Store(tmp_path / "store", talk),
        fetcher=Fetcher(tmp_path / "store", FetchOptions(offline=True), talk),
        talk=talk,
        environ={},
        offline=True,
        logs=tmp_path,
        runtime=tmp_path,
    )


@pytest.mark.parametrize(
    ("provision", "path"),
    [
        (InPlace(), "repo/package/x"),
        (InPlace(result="a/b"), "repo/package/x/a/b"),
        (Fetched(files=(Fetch(path="y"),)), "store/entries/sha256-1/content"),
        (Fetched(files=(Fetch(path="y"),), result="y"), "store/entries/sha256-1/content/y"),
        (Built(module="m", result="y"), "store/entries/sha256-1/content/y"),
    ],
)
def test_result_is_in_the_repository_or_in_the_store(
    context: ExecutionContext, tmp_path: Path, provision: Provision, path: str
):
    node = replace(NODE, provision=provision)
    facts = facts_of(node, context, {})
    assert facts.path == str(tmp_path / path)
    with pytest.raises(InstallError, match="package:x has no result") as caught:
        refuse_lost_result(node, facts)
    assert caught.value.where == "package/x/.cm/meta.json: result"
    Path(facts.path).mkdir(parents=True)
    refuse_lost_result(node, facts)


def test_what_was_found_is_where_it_was_found(context: ExecutionContext, tmp_path: Path):
    node = replace(NODE, provision=Detected())
    facts = facts_of(node, context, {})
    assert facts.path == "/somewhere/else"
    with pytest.raises(InstallError, match="is no longer at its detected location"):
        refuse_lost_result(node, facts)
    here = facts_of(replace(node, candidate=replace(CANDIDATE, location=str(tmp_path))), context, {})
    refuse_lost_result(node, here)


def test_library_has_no_path_and_none_is_missed(context: ExecutionContext):
    node = replace(NODE, provision=InEnvironment(requirement="x"))
    facts = facts_of(node, context, {})
    assert facts.path == ""
    refuse_lost_result(node, facts)


def test_repository_that_is_not_here_is_named(context: ExecutionContext):
    with pytest.raises(InputError, match="requires the repository 'other'") as caught:
        context.folder(replace(NODE, repo="other"))
    assert caught.value.where == "package:x: package/x/.cm/meta.json"


def test_plan_that_does_not_say_how_a_thing_comes_to_be_is_not_executed(context: ExecutionContext):
    node = replace(NODE, provision=Unrecorded(files=(Fetch(path="y"),)))
    plan = Plan(
        schema="benchloom.plan/1",
        target="package:x",
        command="",
        inputs={},
        env={},
        platform=Platform(os="linux", arch="x86_64", python="3.11"),
        nodes=(node,),
    )
    with pytest.raises(InputError, match="does not state how package:x is provided"):
        prepare(plan, context)


def test_variable_of_a_role_holds_what_a_variable_can():
    assert variable_of("data-set.2") == "LOOM_DATA_SET_2"
