"""`ck find`, `ls`, `show` and `rm` of virtual environments, by name and by pattern."""

from pathlib import Path

from support.ck import ROOT, Ck

NOT_FOUND = 16


def test_patterns_mean_the_environments_that_match(tmp_path: Path):
    ck = Ck(tmp_path / "home", ROOT)
    for name in ("one", "other", "third"):
        ck.ok("create", f"venv:{name}")
    venvs = tmp_path / "home" / "loom" / "venvs"
    assert ck.ok("find", "venv:one").split() == [str(venvs / "one")]
    assert ck.ok("find", "venv:o*").split() == [str(venvs / "one"), str(venvs / "other")]
    assert ck.ok("ls", "venv:o*").split() == ["one", "other"]
    shown = ck.ok("show", "venv:o*")
    assert str(venvs / "other") in shown
    assert str(venvs / "third") not in shown
    ck.ok("rm", "venv:o*")
    assert ck.ok("ls", "venv").split() == ["third"]
    for action, name in (("find", "one"), ("find", "o*"), ("rm", "o*"), ("show", "[")):
        failed = ck.call(action, f"venv:{name}")
        assert failed.returncode == NOT_FOUND
        assert f"there is no virtual environment {name}" in failed.stdout
    assert "name the environment" in ck.call("rm", "venv").stdout
    ck.ok("rm", "venv:*")
    assert ck.ok("ls", "venv").split() == []
