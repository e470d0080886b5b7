"""T22: the truth tables of CM's and CK's conditions, through whole plans."""

from typing import Any

import pytest

from support.repo import Loom, Repo

MISSING = None
CASES: list[tuple[dict[str, Any], dict[str, str], bool]] = [
    # CM, all keys must match
    ({"enable_if_env": {}}, {}, True),
    ({"skip_if_env": {}}, {}, False),
    ({"enable_if_env": {"X": ["yes"]}}, {"X": "cpu"}, True),
    ({"enable_if_env": {"X": ["yes", "gpu"]}}, {"X": "cpu"}, True),
    ({"enable_if_env": {"X": ["on"]}}, {"X": "no"}, False),
    ({"enable_if_env": {"X": ["on"]}}, {"X": ""}, False),
    ({"enable_if_env": {"X": ["on"]}}, {"X": "<<<Y>>>"}, False),
    ({"enable_if_env": {"X": ["on"]}}, {}, False),
    ({"enable_if_env": {"X": ["no"]}}, {}, True),
    ({"enable_if_env": {"X": ["off"]}}, {"X": "False"}, True),
    ({"enable_if_env": {"X": ["0"]}}, {"X": "cpu"}, False),
    ({"enable_if_env": {"X": ["CPU"]}}, {"X": "cpu"}, True),
    ({"enable_if_env": {"X": "cpu"}}, {"X": "cpu"}, True),
    ({"enable_if_env": {"X": ["cpu"]}}, {}, False),
    ({"enable_if_env": {"X": [""]}}, {}, True),
    ({"enable_if_env": {"X": True}}, {"X": "anything"}, True),
    ({"enable_if_env": {"X": ["a"], "Y": ["b"]}}, {"X": "a"}, False),
    ({"enable_if_env": {"X": ["a"], "Y": ["b"]}}, {"X": "a", "Y": "b"}, True),
    ({"skip_if_env": {"X": ["a"], "Y": ["b"]}}, {"X": "a"}, True),
    ({"skip_if_env": {"X": ["a"], "Y": ["b"]}}, {"X": "a", "Y": "b"}, False),
    # CM, any key will do, and a missing one never does
    ({"enable_if_any_env": {"X": ["a"], "Y": ["b"]}}, {"Y": "b"}, True),
    ({"enable_if_any_env": {"X": ["no"]}}, {}, False),
    ({"enable_if_any_env": {}}, {}, False),
    ({"skip_if_any_env": {"X": ["a"], "Y": ["b"]}}, {"Y": "b"}, False),
    ({"skip_if_any_env": {"X": ["no"]}}, {}, True),
    # CK, a list of alternatives, exact, a missing key counts as empty
    ({"enable_if_env": [{"X": "a"}, {"Y": ["b", "c"]}]}, {"Y": "c"}, True),
    ({"enable_if_env": [{"X": "a", "Y": "b"}]}, {"X": "a"}, False),
    ({"enable_if_env": [{"X": ""}]}, {}, True),
    ({"enable_if_env": [{"X": "yes"}]}, {"X": "cpu"}, False),
    ({"enable_if_env": [{"X": "A"}]}, {"X": "a"}, False),
    ({"disable_if_env": [{"X": "a"}, {"X": "b"}]}, {"X": "b"}, False),
    ({"disable_if_env": [{"X": "a"}]}, {}, True),
    ({"disable_if_env": []}, {}, True),
    ({"enable_if_env": []}, {}, False),
]


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("t22")
    repo = Repo(folder / "repo", "t22")
    repo.script("t22-need", "t22,need")
    for number, (condition, env, _) in enumerate(CASES):
        dep = {"tags": "t22,need", "names": ["need"], **condition}
        repo.script(f"t22-case-{number}", "t22,case", deps=[dep], default_env=env)
    return Loom(folder / "home", repo)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{CASES[n][1]}")
def test_plan_holds_the_need_exactly_where_its_condition_is_true(loom: Loom, number: int):
    nodes = loom.here("plan", f"script:t22-case-{number}", "--json").ok().json["nodes"]

    assert any("need" in node.get("roles", ()) for node in nodes) is CASES[number][2]


def test_condition_follows_the_environment_of_the_command_line(loom: Loom):
    number = next(n for n, (condition, env, _) in enumerate(CASES) if condition == {"enable_if_env": {"X": ["CPU"]}})
    nodes = loom.here("plan", f"script:t22-case-{number}", "--env.X=gpu", "--json").ok().json["nodes"]

    assert not any("need" in node.get("roles", ()) for node in nodes)
