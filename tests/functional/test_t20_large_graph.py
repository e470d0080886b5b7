"""T20: a graph as large as the largest application of the CM world resolves; its time is printed, never asserted."""

import sys
import time
from pathlib import Path

import pytest

from support.repo import Loom, Repo

LAYERS, WIDTH = 37, 10


def _script(layer: int, place: int) -> dict[str, object]:
    """Each script needs three of the layer below, one of them by a name that others use too, some only sometimes."""
    deps: list[dict[str, object]] = []
    for step in range(3) if layer else ():
        below = (place + step * 3) % WIDTH
        dep: dict[str, object] = {"tags": f"t20,l{layer - 1},p{below}", "names": [f"l{layer - 1}-p{below}"]}
        if step == 1:
            dep["enable_if_env"] = {"T20_MODE": ["on"]}
        deps.append(dep)
    if place % 4 == 0:
        deps.append({"tags": "t20,tool", "names": ["tool"], "version_min": f"1.{layer % 5}"})
    variations = {
        "fast": {"group": "speed", "default": True, "env": {"T20_SPEED": "fast"}},
        "slow": {"group": "speed", "env": {"T20_SPEED": "slow"}},
    }
    return {"deps": deps, "variations": variations, "default_env": {"T20_MODE": "on" if place % 2 else "off"}}


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "t20")
    for layer in range(LAYERS):
        for place in range(WIDTH):
            repo.script(f"l{layer}-p{place}", f"t20,l{layer},p{place}", **_script(layer, place))
    repo.package("tool", "t20,tool", versions=[{"version": f"1.{minor}"} for minor in range(9)], files={"tool": "tool"})
    top = {f"l{LAYERS - 1}-p{place}": {"tags": f"t20,l{LAYERS - 1},p{place}"} for place in range(WIDTH)}
    repo.program("t20-app", "t20,t20-app", run_deps=top)
    return Loom(tmp_path / "home", repo)


def test_plan_of_370_scripts_holds_each_once_after_its_needs(loom: Loom):
    started = time.perf_counter()
    cold = loom("plan", "program:t20-app", "--json").ok()
    warm_started = time.perf_counter()
    warm = loom("plan", "program:t20-app", "--json").ok()
    ended = time.perf_counter()
    sys.stdout.write(f"cold {warm_started - started:.2f} s, warm {ended - warm_started:.2f} s\n")

    assert warm.out == cold.out
    nodes = cold.json["nodes"]
    ids = [node["id"] for node in nodes]
    assert len(ids) == len(set(ids)) == LAYERS * WIDTH + 2
    places = {node_id: place for place, node_id in enumerate(ids)}
    assert all(places[need] < places[node["id"]] for node in nodes for need in node["needs"].values())
    assert cold.node("tool")["candidate"]["version"] == "1.8"
