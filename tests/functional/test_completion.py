"""Completion as shells ask for it: real bash, zsh and fish over the printed script, and click's protocol."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.repo import SOURCE, Loom, Repo


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("completion")
    repo = Repo(folder / "repo")
    repo.program(
        "shell-app",
        "shell-trial",
        summary="An app: for shells",
        inputs={
            "scene": {"summary": "which", "choices": ["Offline", "Online", "Server"]},
            "conf": {"summary": "file", "type": "path"},
        },
        run_deps={"data": {"tags": "shell-data"}},
    )
    repo.package("shell-data", "shell-data", files={"data.txt": "one"})
    made = Loom(folder / "home", repo)
    program = folder / "bin" / "loom"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m benchloom "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    made.environ |= {"PATH": path, "PYTHONPATH": str(SOURCE)}
    return made


def shell(loom: Loom, *command: str) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **loom.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bash(loom: Loom, *words: str) -> list[str]:
    """Complete the last of ``words``, which are as bash breaks a line."""
    line = " ".join(f"'{word}'" for word in words)
    code = f"""
        eval "$(loom completion bash)"
        COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
        _loom_completion loom
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return [item for item in shell(loom, "bash", "--norc", "-c", code).splitlines() if item]


def ask(loom: Loom, kind: str, words: str, current: str) -> list[str]:
    answer = loom(_LOOM_COMPLETE=f"{kind}_complete", COMP_WORDS=words, COMP_CWORD=current)
    assert answer.err == ""
    return answer.out.split("\n")[:-1] if answer.out.strip() else []


def test_bash_completes_a_verb(loom: Loom):
    assert bash(loom, "loom", "rec") == ["record"]


def test_bash_completes_an_option(loom: Loom):
    assert "--format" in bash(loom, "loom", "graph", "--f")


@pytest.mark.parametrize("verb", ["run", "plan", "install", "graph", "show"])
def test_bash_completes_a_component_by_its_alias(loom: Loom, verb: str):
    assert "shell-app" in bash(loom, "loom", verb, "shell-")


def test_bash_completes_a_component_broken_at_its_colon(loom: Loom):
    assert bash(loom, "loom", "run", "program", ":", "shell-a") == ["shell-app"]
    assert "shell-app" in bash(loom, "loom", "run", "program", ":")
    assert "program:shell-app" in bash(loom, "loom", "run", "prog")


def test_bash_after_run_offers_only_programs(loom: Loom):
    assert bash(loom, "loom", "run", "package", ":", "shell") == []
    assert bash(loom, "loom", "install", "package", ":", "shell") == ["shell-data"]


def test_bash_completes_inputs_and_roles_of_the_target(loom: Loom):
    assert bash(loom, "loom", "run", "program", ":", "shell-app", "--sc") == ["--scene="]
    assert bash(loom, "loom", "run", "shell-app", "--dep_add") == ["--dep_add_tags.data="]


def test_bash_completes_the_choices_of_an_input(loom: Loom):
    target = ("loom", "run", "program", ":", "shell-app", "--scene", "=")
    assert bash(loom, *target) == ["Offline", "Online", "Server"]
    assert bash(loom, *target, "o") == ["Offline", "Online"]
    assert bash(loom, *target, "Off") == ["Offline"]


def test_bash_completes_the_choices_of_an_option(loom: Loom):
    assert bash(loom, "loom", "graph", "--format", "=", "m") == ["mermaid"]
    assert bash(loom, "loom", "graph", "--format", "d") == ["dot"]


def test_bash_completes_words_after_an_input(loom: Loom):
    assert bash(loom, "loom", "run", "--scene", "=", "Offline", "program", ":", "shell-a") == ["shell-app"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_script_offers_values_with_colons_whole(loom: Loom):
    code = """
        compdef() { : }
        eval "$(loom completion zsh)"
        compadd() { local name="${@[-1]}"; print -rl -- "${(P)name[@]}" }
        words=(loom run program:sh); CURRENT=3
        _loom_completion
        words=(loom run shell-app --scene=O); CURRENT=4
        _loom_completion
    """
    assert shell(loom, "zsh", "-f", "-c", code).split() == ["program:shell-app", "--scene=Offline", "--scene=Online"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_components_and_choices(loom: Loom):
    code = (
        'loom completion fish | source; complete -C "loom run program:sh"; complete -C "loom run shell-app --scene=O"'
    )
    lines = shell(loom, "fish", "--no-config", "-c", code).splitlines()
    assert lines == ["program:shell-app\tAn app: for shells", "--scene=Offline", "--scene=Online"]


def test_zsh_protocol_gives_three_lines_an_answer(loom: Loom):
    assert ask(loom, "zsh", "loom run program:sh", "2") == ["plain", "program:shell-app", "An app: for shells"]
    assert ask(loom, "zsh", "loom run shell-app --scene=S", "3") == ["plain", "--scene=Server", "_"]
    assert ask(loom, "zsh", "loom run shell-app --conf=x", "3")[0] == "file"


def test_fish_protocol_gives_value_and_text(loom: Loom):
    assert ask(loom, "fish", "loom show program:sh", "program:sh") == ["plain,program:shell-app\tAn app: for shells"]


def test_completion_over_a_broken_home_says_nothing(tmp_path: Path):
    broken = Loom(tmp_path / "home")
    (broken.home / "repositories.json").write_text("{")
    (broken.home / "config.toml").write_text("= broken")
    assert ask(broken, "bash", "loom run shell", "2") == []
    assert ask(broken, "bash", "loom install --job", "2") == ["plain,--jobs"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_script_parses_in_its_shell(loom: Loom, tmp_path: Path, name: str):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    script = tmp_path / "script"
    script.write_text(loom.here("completion", name).ok().out)
    shell(loom, name, "-n", str(script))
    assert loom.here("completion", name, "--json").ok().json == {"script": script.read_text()[:-1], "shell": name}


def test_completion_of_an_unknown_shell_is_an_input_error(loom: Loom):
    assert loom.here("completion", "tcsh").code == 2
