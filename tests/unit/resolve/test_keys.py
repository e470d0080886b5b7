"""Content addresses: every fact that they are made of counts, and they stay what they are in the stores of users."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchloom.model.component import Fetch
from benchloom.model.plan import Candidate
from benchloom.resolve.keys import environment_key, library_key, result_key
from support.components import PLATFORM, entry

THING = Candidate(component="package:thing", family="package:thing", version="1", variations=("small",))
FACTS: dict[str, Any] = {
    "files": "sha256:00",
    "env": {"A": "1", "B": "2"},
    "fetch": (Fetch(url="http://x/y", digest="sha256:11"),),
    "needs": {"tool": "sha256-22"},
    "platform": None,
    "module": "",
}


def key(candidate: Candidate = THING, uid: str = "", alias: str = "thing", **facts: Any) -> str:
    return result_key(replace(entry("package", alias, "thing"), uid=uid), candidate, **{**FACTS, **facts})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("files", "sha256:01"),
        ("env", {"A": "1"}),
        ("env", {"A": "2", "B": "1"}),
        ("fetch", ()),
        ("fetch", (Fetch(url="http://x/y", digest="sha256:12"),)),
        ("needs", {}),
        ("needs", {"tool": "sha256-23"}),
        ("needs", {"other": "sha256-22"}),
        ("platform", PLATFORM),
        ("module", "sha256:33"),
        ("uid", "0123456789abcdef"),
        ("alias", "other"),
        ("candidate", Candidate(component="package:thing", family="package:thing", version="2", variations=("small",))),
        ("candidate", Candidate(component="package:thing", family="package:thing", version="1", variations=("big",))),
    ],
)
def test_key_of_a_result_changes_with_each_fact(field: str, value: Any):
    assert key(**{field: value}) != key()


def test_key_of_a_result_does_not_change_with_order_or_with_the_name_of_what_has_a_uid():
    assert key(env={"B": "2", "A": "1"}) == key()
    assert key(uid="0123456789abcdef", alias="renamed") == key(uid="0123456789abcdef")
    found = Candidate(component="x", family="y", version="1", variations=("small",), origin="detected", location="/z")
    assert key(found) == key()


def test_key_of_a_library_is_its_family_version_and_variations():
    def library(**fields: Any) -> str:
        return library_key(Candidate(**{"component": "soft:lib", "family": "soft:lib", "version": "1", **fields}))

    assert library(component="package:lib", origin="installed") == library()
    others = [library(family="soft:other"), library(version="2"), library(variations=("cpu",))]
    assert len({library(), *others}) == 4


def test_keys_are_those_that_are_in_the_stores_of_users():
    """Another key makes everything anew that was ever made: then KEY_VERSION is raised, and these are written down again."""
    library = Candidate(component="soft:lib", family="soft:lib", version="1.2")
    assert [key(), library_key(library), environment_key(("lib==1.2",), PLATFORM)] == [
        "sha256-11b7531e060081bbe0a538b8713d8e580ce89b8bf2a76cb901ac4a4ac7301c19",
        "sha256-4dfe23c785fb00a35d14eb7fff670563b6343fa164fd71af57f3bb77aee9a426",
        "sha256-1a0d89f7f191cf390a48dbe998eb3abb217bdfda7a811d821dd577e23c24f74d",
    ]
