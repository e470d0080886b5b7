"""pip's configuration as pip itself reads it, and what uv is told of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchloom.base.pip_config import PipConfigError, find_uv, read, uv_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(tmp_path: Path):
    """A function that writes configuration files by their place and returns the environment in which they count."""

    def write(files: dict[str, str], **variables: str) -> dict[str, str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        here = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": f"{tmp_path}/xdg1:{tmp_path}/xdg2"}
        named = {name: value.replace("@", str(tmp_path)) for name, value in variables.items()}
        return {"PATH": os.environ["PATH"], **here, **named}

    return write


PLACES = {
    "xdg1/pip/pip.conf": "[global]\nindex-url = https://one.example/simple\ntimeout = 3\n[install]\npre = yes\n",
    "xdg2/pip/pip.conf": "[global]\nindex_url = https://two.example/simple\n",
    "home/.pip/pip.conf": "[global]\nextra-index-url =\n  https://three.example/simple\n  https://four.example/simple\n",
    "home/.config/pip/pip.conf": "[DEFAULT]\nretries = 7\n[global]\nTimeout: 4\n[install]\nno-index = off\n",
    "named.conf": "[global]\ntimeout = 5\nfind-links = /wheels ./more\n",
}


# What `pip config list` prints, which since pip 26 no longer says which of several files counts: the last one.
OF_PIP = """\
import json
from pip._internal.configuration import Configuration
configuration, found = Configuration(isolated=False), {}
configuration.load()
for name, value in configuration.items():
    found.update(value if isinstance(value, dict) else {name: value})
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("files", "variables"),
    [
        (PLACES, {}),
        (PLACES, {"PIP_CONFIG_FILE": "@/named.conf", "PIP_PRE": "", "PIP_INDEX_URL": "https://env.example/simple"}),
        (PLACES, {"PIP_CONFIG_FILE": "@/absent.conf", "XDG_CONFIG_HOME": "@/elsewhere"}),
        (PLACES, {"PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": "https://a.example https://b.example"}),
    ],
    ids=["files", "named", "absent", "none"],
)
def test_the_configuration_is_what_pip_says_it_is(
    world: Callable[..., dict[str, str]], files: dict[str, str], variables: dict[str, str]
):
    environ = world(files, **variables)
    words = [sys.executable, "-c", OF_PIP]
    said = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    assert read(environ) == json.loads(said.stdout)


def test_general_options_give_way_to_those_of_install_and_these_to_variables(world: Callable[..., dict[str, str]]):
    environ = world({"home/.pip/pip.conf": "[install]\ntimeout = 9\n[global]\ntimeout = 8\n"}, PIP_CONFIG_FILE="")
    assert uv_settings(environ).environ["UV_HTTP_TIMEOUT"] == "9"
    assert uv_settings({**environ, "PIP_DEFAULT_TIMEOUT": "7.2"}).environ["UV_HTTP_TIMEOUT"] == "8"  # whole seconds
    assert uv_settings({**environ, "PIP_TIMEOUT": ""}).environ["UV_HTTP_TIMEOUT"] == "9"  # empty is as good as none


def _none(**variables: str) -> dict[str, str]:
    return {"PIP_CONFIG_FILE": os.devnull, "PATH": "/bin", **variables}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PIP_INDEX_URL": "https://u:p@a.example/s"}, {"UV_DEFAULT_INDEX": "https://u:p@a.example/s"}),
        ({"PIP_EXTRA_INDEX_URL": "\nfile:///a\n  file:///b "}, {"UV_INDEX": "file:///a file:///b"}),
        ({"PIP_FIND_LINKS": "/a ~/b"}, {"UV_FIND_LINKS": f"/a,{Path.home()}/b"}),
        ({"PIP_FIND_LINKS": "/a,b"}, {"UV_FIND_LINKS": "file:///a%2Cb"}),
        ({"PIP_CONSTRAINT": "/a.txt /b.txt"}, {"UV_CONSTRAINT": "/a.txt /b.txt"}),
        ({"PIP_CERT": "~/ca.pem"}, {"SSL_CERT_FILE": f"{Path.home()}/ca.pem", "UV_SYSTEM_CERTS": None}),
        ({"REQUESTS_CA_BUNDLE": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({}, {"UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"}),
        ({"PIP_CLIENT_CERT": "/me.pem"}, {"SSL_CLIENT_CERT": "/me.pem"}),
        ({"PIP_TRUSTED_HOST": "a.example b.example:8080"}, {"UV_INSECURE_HOST": "a.example b.example:8080"}),
        ({"PIP_PROXY": "me:it@p.example:3128", "no_proxy": "x"}, {"HTTPS_PROXY": "http://me:it@p.example:3128", "no_proxy": ""}),
        ({"PIP_PRE": "1"}, {"UV_PRERELEASE": "allow"}),
        ({"PIP_NO_CACHE_DIR": "off"}, {"UV_NO_CACHE": "1"}),
        ({"UV_INDEX_URL": "https://other.example", "VIRTUAL_ENV": "/v"}, {"UV_INDEX_URL": None, "VIRTUAL_ENV": None}),
        ({"UV_CACHE_DIR": "/cache", "PYTHONPATH": "/p"}, {"UV_CACHE_DIR": "/cache", "PYTHONPATH": None}),
    ],
)  # fmt: skip
def test_uv_is_told_what_pip_is_configured_with(variables: dict[str, str], told: dict[str, str | None]):
    given = uv_settings(_none(**variables)).environ
    assert {name: given.get(name) for name in told} == told
    assert not any(name.startswith("PIP_") for name in given)


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"PIP_NO_INDEX": "true"}, ("--no-index",)),
        ({"PIP_NO_BINARY": "b_b,A"}, ("--no-binary", "a", "--no-binary", "b-b")),
        ({"PIP_ONLY_BINARY": "a,:all:,b"}, ("--only-binary", ":all:")),
        ({"PIP_ONLY_BINARY": "a", "PIP_NO_BINARY": "a,b"}, ("--no-binary", "a", "--no-binary", "b")),
        ({"PIP_NO_BINARY": "a,:none:"}, ()),
    ],
)
def test_uv_is_given_options_where_it_reads_no_variable(variables: dict[str, str], options: tuple[str, ...]):
    assert uv_settings(_none(**variables)).options == options


def test_offline_leaves_only_places_on_this_machine():
    places = "https://a.example/w /wheels file:///more"
    given = uv_settings(_none(PIP_FIND_LINKS=places, PIP_INDEX_URL="https://a.example"), offline=True)
    assert given.environ["UV_FIND_LINKS"] == "/wheels,file:///more"
    assert (given.environ["UV_OFFLINE"], given.options) == ("1", ("--no-index",))
    assert "UV_DEFAULT_INDEX" not in given.environ


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"PIP_PREFER_BINARY": "1"}, "pip is configured with prefer-binary, which uv does not have"),
        ({"PIP_INDEX_URL": "http://a.example/s"}, "pip does not trust a.example without TLS, as uv would"),
    ],
)
def test_what_uv_cannot_be_told_is_a_reason_for_pip(variables: dict[str, str], reason: str):
    assert uv_settings(_none(**variables)).reasons == (reason,)


def test_an_index_on_this_machine_or_a_trusted_host_needs_no_tls():
    assert not uv_settings(_none(PIP_INDEX_URL="http://127.0.0.1:80/s")).reasons
    assert not uv_settings(_none(PIP_INDEX_URL="http://a.example/s", PIP_TRUSTED_HOST="a.example")).reasons


@pytest.mark.parametrize(
    "variables", [{"PIP_PRE": "perhaps"}, {"PIP_TIMEOUT": "soon"}, {"PIP_CONFIG_FILE": "@/bad"}, {"PIP_INDEX_URL": "https://[a"}]
)  # fmt: skip
def test_a_configuration_that_pip_refuses_is_refused(tmp_path: Path, variables: dict[str, str]):
    (tmp_path / "bad").write_text("index-url = nowhere\n")
    environ = _none(**{name: value.replace("@", str(tmp_path)) for name, value in variables.items()})
    with pytest.raises(PipConfigError):
        uv_settings(environ)


def test_uv_is_found_on_path_or_beside_the_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for folder in ("path", "scripts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "uv").write_text("#!/bin/sh\n")
        (tmp_path / folder / "uv").chmod(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
    assert find_uv({"PATH": str(tmp_path / "path")}) == str(tmp_path / "path" / "uv")
    assert find_uv({"PATH": ""}) == str(tmp_path / "scripts" / "uv")


def test_it_needs_nothing_but_the_standard_library():
    code = "import benchloom.base.pip_config as c; c.uv_settings({'PATH': ''})"
    subprocess.run(
        [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {code}"], check=True
    )
