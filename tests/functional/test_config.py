import os
from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo")
    repo.program(
        "config-app",
        "config-trial",
        inputs={"ruleset": {"summary": "round", "choices": ["quick", "mlperf-inference-1.0"], "default": "quick"}},
    )
    return Loom(tmp_path / "home", repo)


def settings(answer: object) -> dict[str, tuple[object, str]]:
    return {item["name"]: (item["value"], item["origin"]) for item in answer.ok().json["settings"]}


def test_config_without_a_file_shows_defaults(loom: Loom):
    assert settings(loom.here("config", "--json")) == {
        "mirror": ("", "default"),
        "jobs": (4, "default"),
        "offline": (False, "default"),
        "ruleset": ("quick", "default"),
        "installer": ("auto", "default"),
    }
    assert not (loom.home / "config.toml").exists()


def test_config_writes_and_the_environment_wins_over_the_file(loom: Loom):
    loom.here("config", "jobs", "8").ok()
    assert settings(loom.here("config", "--json"))["jobs"] == (8, "file")
    answer = loom("config", "--json", LOOM_JOBS="2")
    assert settings(answer)["jobs"] == (2, "environment")
    assert "LOOM_JOBS is set and overrides" in loom("config", "jobs", "9", LOOM_JOBS="2").ok().err


def test_config_of_one_name_prints_its_value(loom: Loom):
    loom.here("config", "offline", "on").ok()
    assert loom.here("config", "offline").ok().out == "yes\n"
    assert loom.here("config", "mirror").ok().out == "-\n"


def test_config_keeps_comments_and_other_values(loom: Loom):
    file = loom.home / "config.toml"
    file.write_text('# mine\nmirror = "/srv/mirror"  # fast\njobs = 2\n')
    loom.here("config", "jobs", "6").ok()
    assert file.read_text() == '# mine\nmirror = "/srv/mirror"  # fast\njobs = 6\n'
    loom.here("config", "--unset", "mirror").ok()
    assert file.read_text() == "# mine\njobs = 6\n"


def test_config_of_a_key_written_in_quotes_replaces_it(loom: Loom):
    file = loom.home / "config.toml"
    file.write_text('"jobs" = 2\noffline = true\n')
    loom.here("config", "jobs", "6").ok()
    found = settings(loom.here("config", "--json"))
    assert (found["jobs"], found["offline"]) == ((6, "file"), (True, "file"))


def test_config_of_any_text_survives_the_file(loom: Loom):
    value = 'C:\\a "quoted" #\n[path] é\x7f \U0001f9f5'
    loom.here("config", "mirror", value).ok()
    assert settings(loom.here("config", "--json"))["mirror"] == (value, "file")


def test_config_of_an_unknown_name_gives_the_nearest(loom: Loom):
    answer = loom("config", "job", "3")
    assert answer.code == 2
    assert "did you mean 'jobs'?" in answer.err
    assert not (loom.home / "config.toml").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("jobs", "many", "a whole number"),
        ("jobs", "0", "at least 1"),
        ("offline", "maybe", "yes or no"),
        ("ruleset", "quik", "did you mean 'quick'?"),
    ],
)
def test_config_of_a_wrong_value_is_refused(loom: Loom, name: str, value: str, said: str):
    answer = loom.here("config", name, value)
    assert answer.code == 2
    assert said in answer.err
    assert not (loom.home / "config.toml").exists()


@pytest.mark.parametrize(
    ("text", "said"), [("jobs = 'x'\n", "jobs"), ("jbos = 1\n", "did you mean 'jobs'?"), ("jobs = \n", "config.toml")]
)
def test_settings_file_that_is_wrong_is_named(loom: Loom, text: str, said: str):
    file = loom.home / "config.toml"
    file.write_text(text)
    answer = loom.here("install", "program:config-app")
    assert answer.code == 2
    assert said in answer.err
    assert str(file) in answer.err
    assert file.read_text() == text


def test_config_unset_takes_out_even_an_unknown_name(loom: Loom):
    file = loom.home / "config.toml"
    file.write_text("jbos = 1\njobs = 2\n")
    loom.here("config", "--unset", "jbos").ok()
    assert file.read_text() == "jobs = 2\n"


def test_config_unset_without_a_name_is_an_input_error(loom: Loom):
    assert loom.here("config", "--unset").code == 2


def test_help_is_not_hindered_by_a_broken_settings_file(loom: Loom):
    (loom.home / "config.toml").write_text("= broken")
    loom.here("install", "--help").ok()


def test_ruleset_setting_becomes_an_input_unless_the_command_line_says_else(loom: Loom):
    assert loom.here("plan", "program:config-app", "--json").ok().json["inputs"] == {}
    loom.here("config", "ruleset", "mlperf-inference-1.0").ok()
    planned = loom.here("plan", "program:config-app", "--json").ok().json["inputs"]
    assert planned == {"ruleset": "mlperf-inference-1.0"}
    told = loom.here("plan", "program:config-app", "--ruleset=quick", "--json").ok().json["inputs"]
    assert told == {"ruleset": "quick"}


def test_offline_setting_keeps_a_download_from_happening(loom: Loom, tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    fetch = [{"url": "http://127.0.0.1:9/none", "digest": f"sha256:{'0' * 64}"}]
    repo.package("config-data", "config-data", fetch=fetch)
    loom.here("config", "offline", "yes").ok()
    answer = loom.here("install", "package:config-data", "--json")
    assert answer.code == 3
    assert answer.json["error"]["kind"] == "OfflineError"


def test_mirror_setting_serves_a_download(loom: Loom, tmp_path: Path):
    from hashlib import sha256

    repo = Repo(tmp_path / "repo")
    digest = sha256(b"mirrored").hexdigest()
    url = "http://127.0.0.1:9/data.bin"
    repo.package("config-data", "config-data", fetch=[{"url": url, "digest": f"sha256:{digest}"}])
    for place in (tmp_path / "mirror" / "data.bin", tmp_path / "mirror" / "sha256" / digest):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"mirrored")
    loom.here("config", "mirror", str(tmp_path / "mirror")).ok()
    loom.here("install", "package:config-data").ok()


def test_jobs_setting_is_the_default_of_the_option(loom: Loom, monkeypatch: pytest.MonkeyPatch):
    from benchloom.cli.main import loom as cli

    monkeypatch.setenv("LOOM_HOME", str(loom.home))
    loom.here("config", "jobs", "7").ok()
    command = cli.get_command(None, "install")
    assert command.make_context("install", ["package:x"]).params["jobs"] == 7
    assert command.make_context("install", ["package:x", "--jobs=2"]).params["jobs"] == 2
    assert os.environ["LOOM_HOME"] == str(loom.home)
