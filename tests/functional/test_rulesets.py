"""Rulesets as components: chosen by name or tags, part of plan, lock and record, and added by anybody in a repository of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.benchmark import TARGET, home, record_of, run
from support.repo import Loom, Repo

OFFLINE = {"figure": "result_samples_per_second", "min_duration": 3, "min_queries": 7}
# Leaves the ruleset's name and what else it was told of it, where results would be.
_PROGRAM = """\
import json, os, sys
facts = json.load(open(os.environ["LOOM_RULESET"]))
results = {"schema": "benchloom.results/1", "accuracy": None, "performance": None, "submission_valid": False,
           "settings": {"queries": facts["ruleset"]["scenarios"]["Offline"]["min_queries"]}, "versions": {},
           "notes": sys.argv[1:], "ruleset": facts["ruleset"]["name"]}
names = ("task", "model", "dataset", "backend", "scenario", "mode")
json.dump({**results, **dict.fromkeys(names, "trial")}, open("results.json", "w"))
"""


@pytest.fixture
def company(tmp_path: Path) -> Loom:
    """Return a command line over a company's repository: two rulesets, and a program that takes one."""
    repo = Repo(tmp_path / "acme", "acme")
    for name, least in (("acme-gold", 7), ("acme-silver", 5)):
        rules = {"scenarios": {"Offline": {**OFFLINE, "min_queries": least}}}
        repo.entry("ruleset", name, f"ruleset,acme,{name.partition('-')[2]}", ruleset=rules)
    repo.program(
        "acme-app",
        "acme,app",
        code=_PROGRAM,
        needs={"ruleset": {"tags": "ruleset,acme"}},
        inputs={
            "ruleset": {"summary": "what is demanded", "selects": "ruleset"},
            "count": {"summary": "how many", "type": "int"},
        },
    )
    return Loom(tmp_path / "home", repo)


def chosen(plan: dict[str, Any]) -> str:
    """Return the component that fills the role ``ruleset`` of a plan or lock."""
    [found] = [node["id"] for node in plan["nodes"] if "ruleset" in node["roles"]]
    return str(found)


def test_program_learns_of_the_ruleset_by_its_facts_alone(company: Loom):
    results = company("run", "program:acme-app", "--ruleset=acme-gold", "--count=3", "--json").ok().json["results"]
    assert (results["ruleset"], results["settings"]["queries"]) == ("acme-gold", 7)
    assert results["notes"] == ["--count=3"]


def test_ruleset_of_ones_own_is_chosen_by_name_or_by_tags(company: Loom):
    for words in ("--ruleset=acme-silver", "--dep_add_tags.ruleset=silver"):
        assert chosen(company.here("plan", "program:acme-app", words, "--json").ok().json) == "ruleset:acme-silver"
        plan = company.here("plan", TARGET, words, "--scenario=Offline", "--json").ok().json
        assert chosen(plan) == "ruleset:acme-silver"


def test_several_rulesets_of_which_none_is_the_default_must_be_chosen_among(company: Loom):
    answer = company.here("plan", "program:acme-app")
    assert answer.code == 3
    assert "ruleset:acme-gold" in answer.err
    assert "ruleset:acme-silver" in answer.err


def test_unknown_ruleset_is_refused_with_the_nearest_name_and_those_that_there_are(company: Loom):
    answer = company.here("plan", "program:acme-app", "--ruleset=acme-glod")
    assert answer.code == 2
    assert "'acme-glod' is not a value of --ruleset" in answer.err
    assert "it takes acme-gold, acme-silver" in answer.err
    assert "did you mean 'acme-gold'?" in answer.err


def test_name_and_tags_that_contradict_each_other_name_both_flags(company: Loom):
    answer = company.here("plan", "program:acme-app", "--ruleset=acme-gold", "--dep_add_tags.ruleset=silver")
    assert answer.code == 3
    assert "(--ruleset)" in answer.err
    assert "(--dep_add_tags.ruleset)" in answer.err


def test_lock_holds_the_ruleset_and_its_content(company: Loom, tmp_path: Path):
    lock = tmp_path / "loom.lock.json"
    company.here("lock", "program:acme-app", "--ruleset=acme-gold", f"--output={lock}").ok()
    assert chosen(json.loads(lock.read_text())) == "ruleset:acme-gold"
    company.here("plan", f"--lock={lock}").ok()
    answer = company.here("plan", f"--lock={lock}", "--ruleset=acme-silver")
    assert answer.code == 5
    meta = tmp_path / "acme" / "ruleset" / "acme-gold" / ".cm" / "meta.json"
    meta.write_text(meta.read_text().replace('"min_queries": 7', '"min_queries": 8'))
    answer = company.here("plan", f"--lock={lock}")
    assert answer.code == 5
    assert "ruleset:acme-gold" in answer.err


def test_what_a_ruleset_demands_is_part_of_its_key_and_its_summary_is_not(company: Loom, tmp_path: Path):
    def key() -> str:
        plan = company.here("plan", "program:acme-app", "--ruleset=acme-gold", "--json").ok().json
        return next(str(node["key"]) for node in plan["nodes"] if "ruleset" in node["roles"])

    meta = tmp_path / "acme" / "ruleset" / "acme-gold" / ".cm" / "meta.json"
    found = json.loads(meta.read_text())
    before = key()
    meta.write_text(json.dumps({**found, "summary": "said otherwise"}))
    assert key() == before
    found["ruleset"]["scenarios"]["Offline"]["min_queries"] = 9
    meta.write_text(json.dumps(found))
    assert key() != before


def test_scenario_that_the_ruleset_does_not_have_is_refused_while_planning(company: Loom):
    answer = company.here("plan", TARGET, "--ruleset=acme-gold", "--scenario=Server")
    assert answer.code == 2
    assert "the ruleset acme-gold has no scenario Server" in answer.err
    assert "it has Offline" in answer.err


def test_setting_makes_it_the_default_of_the_user(company: Loom):
    company.here("config", "ruleset", "acme-silver").ok()
    assert chosen(company.here("plan", "program:acme-app", "--json").ok().json) == "ruleset:acme-silver"
    answer = company.here("config", "ruleset", "acme-slver")
    assert answer.code == 2
    assert "did you mean 'acme-silver'?" in answer.err


def test_every_round_is_chosen_by_its_tag_and_quick_is_the_default(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    assert chosen(loom.here("plan", TARGET, "--json").ok().json) == "ruleset:quick"
    found = loom.here("find", "ruleset", "--tags=mlperf", "--json").ok().json
    names = [item["ref"].rpartition(":")[2] for item in found]
    assert len(names) >= 13
    for name in names:
        word = f"--dep_add_tags.ruleset=v{name.removeprefix('mlperf-inference-')}"
        assert chosen(loom.here("plan", TARGET, word, "--json").ok().json) == f"ruleset:{name}"


def test_estimate_of_early_stopping_is_the_official_figure_since_v2():
    answer = run("--ruleset=mlperf-inference-2.0", "--duration=0.5").ok()
    results = answer.json["results"]
    performance = results["performance"]
    assert performance["metric"] == "early_stopping_latency_ss"
    assert set(performance["figures"]) == {"early_stopping_latency_ss", "result_90.00_percentile_latency_ns"}
    assert performance["value"] == performance["figures"]["early_stopping_latency_ss"] > 0
    assert performance["figures"]["result_90.00_percentile_latency_ns"] == performance["latency_ns"]["p90"]
    shown = Loom(home())("record", "show", answer.json["record"]).ok().out
    assert "official    early stopping estimate of the 90th percentile latency" in shown
    blockers = {item["code"]: item for item in results["blockers"]}
    assert set(blockers) == {"accuracy-target", "benchmark", "length"}
    assert blockers["length"]["text"].startswith("0.5 s and 1024 queries are less than the round's 600 s ")
    assert "tag v2.0, mlperf.conf" in blockers["length"]["reference"]
    assert results["submission_valid"] is False
    assert chosen(record_of(answer)["plan"]) == "ruleset:mlperf-inference-2.0"
    summary = (Path(answer.json["directory"]) / "performance" / "mlperf_log_summary.txt").read_text()
    assert "qsl_rng_seed : 6655344265603136530" in summary
    assert "sample_index_rng_seed : 15863379492028895792" in summary


@pytest.mark.parametrize(
    ("name", "key"),
    [("4.0", "result_scheduled_samples_per_sec"), ("4.1", "result_completed_samples_per_sec")],
)
def test_official_figure_of_server_is_the_completed_rate_since_v4_1(tmp_path: Path, name: str, key: str):
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.min_query_count = 100\n*.Server.min_duration = 200\n")
    words = (f"--ruleset=mlperf-inference-{name}", "--scenario=Server", "--mode=performance", f"--user_conf={conf}")
    performance = run(*words, "--target_qps=200").ok().json["results"]["performance"]
    assert performance["metric"] == key
    assert set(performance["figures"]) == {
        "result_scheduled_samples_per_sec",
        "result_completed_samples_per_sec",
    }
    assert performance["value"] == performance["figures"][key]
