"""Read pip's configuration and translate it for uv, which does not read it.

Uses only the standard library and does not start pip (which takes half a second), so that the bootstrap can use it as
well.
"""

import configparser
import itertools
import locale
import math
import os
import re
import shutil
import sys
import sysconfig
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
_SYNONYMS = {
    "pypi-url": "index-url",
    "default-timeout": "timeout",
    "no-dependencies": "no-deps",
    "trusted-hosts": "trusted-host",
}
# Options that change what pip chooses and that have no exact equivalent in uv.
_NOT_FOR_UV = frozenset(
    {
        "abi",
        "config-settings",
        "global-option",
        "ignore-requires-python",
        "implementation",
        "no-build-isolation",
        "no-deps",
        "platform",
        "prefer-binary",
        "python-version",
        "require-hashes",
        "requirement",
        "use-pep517",
    }
)
# uv variables that control how it works but not what it chooses: these are passed through.
_OF_THE_USER = frozenset({"UV_CACHE_DIR", "UV_CONCURRENT_BUILDS", "UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_INSTALLS"})
_LOCAL_HOSTS = re.compile(r"localhost|127\.[0-9.]+|::1")


class PipConfigError(ValueError):
    """pip's configuration cannot be read; pip itself reports the details."""


class UvSettings(NamedTuple):
    """How uv is started: ``environ`` replaces the whole environment, ``options`` follow its subcommand.

    ``reasons`` are sentences about settings that uv does not support: if there are any, pip must be used.
    """

    environ: dict[str, str]
    options: tuple[str, ...]
    reasons: tuple[str, ...]


def find_uv(environ: Mapping[str, str]) -> str | None:
    """Return uv's path, from PATH or the scripts of the running interpreter (where ``pip install uv`` puts it), or None."""
    folders = (environ.get("PATH", os.defpath), sysconfig.get_path("scripts"), os.path.dirname(sys.executable))
    found = (shutil.which("uv", path=folder) for folder in folders if folder)
    return next((path for path in found if path), None)


def read(environ: Mapping[str, str], prefix: str = sys.prefix) -> dict[str, str]:
    """Return what ``pip config list`` shows: values by ``section.option``; variables have the section ``:env:``.

    ``prefix`` is that of the interpreter that pip runs on. Raises PipConfigError.
    """
    found: dict[str, str] = {}
    for file in _files(environ, prefix):
        found.update(_values(file))
    for name, value in environ.items():
        if name.startswith("PIP_") and name not in {"PIP_VERSION", "PIP_HELP"}:
            found[f":env:.{_option(name[4:])}"] = value
    return found


def uv_settings(
    environ: Mapping[str, str], prefix: str = sys.prefix, *, offline: bool = False, find_links: Sequence[str] = ()
) -> UvSettings:
    """Return the settings that make uv choose what pip would choose, from the indexes that pip is configured with.

    ``find_links`` are additional locations of wheels. With ``offline``, no index is queried and remote locations are
    left out. Raises PipConfigError.
    """
    stated = _PipOptions(read(environ, prefix))
    places = _places(stated, find_links, offline=offline)
    told = {**_fixed(environ), **places, **_connection(stated, environ), **_choice(stated)}
    return UvSettings(told, _options(stated, offline=offline), tuple(_reasons(stated)))


def connects_otherwise(environ: Mapping[str, str], prefix: str = sys.prefix) -> bool:
    """Tell whether pip's access to its indexes needs settings that only pip knows: credentials, certificates, a proxy.

    Raises PipConfigError.
    """
    stated = _PipOptions(read(environ, prefix))
    if any(stated.text(name) for name in ("client-cert", "trusted-host", "proxy", "keyring-provider")):
        return True
    if stated.text("cert") and stated.path("cert") != environ.get("SSL_CERT_FILE"):
        return True
    return any("@" in _split(url).netloc for url in _addresses(stated))


class _PipOptions:
    """The values of ``pip install``'s options, the weakest first: general ones, those for ``install``, variables."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.items = [
            (_SYNONYMS.get(option, option), value)
            for wanted in ("global", "install", ":env:")
            for section, _, option in (key.rpartition(".") for key in values)
            if section == wanted and (value := values[f"{section}.{option}"])
        ]
        self.last = dict(self.items)

    def text(self, option: str) -> str:
        return self.last.get(option, "")

    def path(self, option: str) -> str:
        return os.path.expanduser(self.text(option))

    def words(self, option: str) -> list[str]:
        return self.text(option).split()

    def flag(self, option: str) -> bool:
        value = self.last.get(option, "no").lower()
        if value not in _TRUE | _FALSE:
            raise PipConfigError(f"{option} is {value!r} in pip's configuration, which is not a boolean")
        return value in _TRUE

    def formats(self) -> tuple[list[str], list[str]]:
        """Return the packages for which wheels are forbidden, and those for which only wheels are allowed: names or ``:all:``."""
        chosen: dict[str, set[str]] = {"no-binary": set(), "only-binary": set()}
        for option, value in self.items:
            if option in chosen:
                other = "only-binary" if option == "no-binary" else "no-binary"
                _add_formats(value, chosen[option], chosen[other])
        return sorted(chosen["no-binary"]), sorted(chosen["only-binary"])


def _add_formats(value: str, target: set[str], other: set[str]) -> None:
    """Add names separated by commas; ``:all:`` and ``:none:`` discard the names before them."""
    names = value.split(",")
    if ":all:" in names:
        after = len(names) - names[::-1].index(":all:")
        target.clear()
        other.clear()
        target.add(":all:")
        names = names[after:]
        if ":none:" not in names:
            return
    for name in names:
        if name == ":none:":
            target.clear()
        else:
            plain = re.sub(r"[-_.]+", "-", name.strip()).lower()
            other.discard(plain)
            target.add(plain)


# -- pip's files ------------------------------------------------------------------------------------------------------


def _files(environ: Mapping[str, str], prefix: str) -> Iterator[str]:
    """Yield pip's configuration files, the weakest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    base = "pip.ini" if sys.platform == "win32" else "pip.conf"
    folders = list(_global_folders(environ))
    if not (named and os.path.exists(named)):
        folders += _user_folders(environ)
    yield from (os.path.join(folder, base) for folder in (*folders, prefix))
    if named:
        yield named


def _global_folders(environ: Mapping[str, str]) -> Iterator[str]:
    if sys.platform == "win32":
        yield os.path.join(environ.get("ProgramData", r"C:\ProgramData"), "pip")
    elif sys.platform == "darwin":
        yield "/Library/Application Support/pip"
    else:
        folders = environ.get("XDG_CONFIG_DIRS", "").strip() or "/etc/xdg"
        yield from (os.path.join(os.path.expanduser(folder), "pip") for folder in folders.split(os.pathsep) if folder)
        yield "/etc"


def _user_folders(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME") or os.path.expanduser("~")
    if sys.platform == "win32":
        yield os.path.join(home, "pip")
        yield os.path.join(environ.get("APPDATA", home), "pip")
        return
    yield os.path.join(home, ".pip")
    library = os.path.join(home, "Library", "Application Support", "pip")
    if sys.platform == "darwin" and os.path.isdir(library):
        yield library
    else:
        yield os.path.join(environ.get("XDG_CONFIG_HOME", "").strip() or os.path.join(home, ".config"), "pip")


def _values(file: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding=locale.getpreferredencoding(do_setlocale=False))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise PipConfigError(f"{file}: {error}") from error
    return {f"{part}.{_option(name)}": value for part in parser.sections() for name, value in parser.items(part)}


def _option(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


# -- settings for uv --------------------------------------------------------------------------------------------------


def _fixed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that redirect uv, and with those that make it behave like pip."""
    dropped = ("PIP_", "PYTHON", "UV_", "CONDA_")
    kept = {
        name: value
        for name, value in environ.items()
        if name in _OF_THE_USER or not (name.startswith(dropped) or name == "VIRTUAL_ENV")
    }
    return {
        **kept,
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _places(stated: _PipOptions, find_links: Sequence[str], *, offline: bool) -> dict[str, str]:
    links = [*(word for word in stated.words("find-links") if not (offline and _is_remote(word))), *find_links]
    told = {
        "UV_DEFAULT_INDEX": "" if offline else stated.text("index-url"),
        "UV_INDEX": "" if offline else " ".join(stated.words("extra-index-url")),
        "UV_FIND_LINKS": ",".join(map(_link, links)),
        "UV_OFFLINE": "1" if offline else "",
    }
    return {name: value for name, value in told.items() if value}


def _is_remote(place: str) -> bool:
    return "://" in place and not place.startswith("file:")


def _link(word: str) -> str:
    """Return a find-links location as an item of uv's comma-separated list."""
    if "," in word and "://" not in word:
        word = Path(os.path.abspath(os.path.expanduser(word))).as_uri()
    return os.path.expanduser(word).replace(",", "%2C")


def _connection(stated: _PipOptions, environ: Mapping[str, str]) -> dict[str, str]:
    cert = stated.path("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE", "")
    told = {
        "SSL_CERT_FILE": cert,
        "SSL_CLIENT_CERT": stated.path("client-cert"),
        "UV_INSECURE_HOST": " ".join(stated.words("trusted-host")),
        "UV_HTTP_TIMEOUT": _whole_seconds(stated.text("timeout")),
        "UV_HTTP_RETRIES": stated.text("retries"),
        "UV_NO_CACHE": "1" if "no-cache-dir" in stated.last else "",
        "UV_KEYRING_PROVIDER": "subprocess" if stated.text("keyring-provider") == "subprocess" else "",
        # pip trusts the system's certificates, so uv must as well unless a certificate file is named. uv renamed the option.
        **dict.fromkeys(("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"), "" if cert or environ.get("SSL_CERT_FILE") else "1"),
    }
    return {**{name: value for name, value in told.items() if value}, **_proxy(stated.text("proxy"))}


def _proxy(address: str) -> dict[str, str]:
    if not address:
        return {}
    address = address if "://" in address else f"http://{address}"
    told = {name: address for plain in ("http_proxy", "https_proxy", "all_proxy") for name in (plain, plain.upper())}
    return {**told, "no_proxy": "", "NO_PROXY": ""}  # pip's own option knows no exceptions


def _whole_seconds(value: str) -> str:
    try:
        return str(math.ceil(float(value))) if value else ""
    except (ValueError, OverflowError) as error:
        raise PipConfigError(
            f"timeout is {value!r} in pip's configuration, which is not a number of seconds"
        ) from error


def _choice(stated: _PipOptions) -> dict[str, str]:
    told = {
        "UV_CONSTRAINT": " ".join(stated.words("constraint")),
        "UV_BUILD_CONSTRAINT": " ".join(stated.words("build-constraint")),
        "UV_EXCLUDE_NEWER": stated.text("uploaded-prior-to"),
        "UV_PRERELEASE": "allow" if stated.flag("pre") else "",
    }
    return {name: value for name, value in told.items() if value}


def _options(stated: _PipOptions, *, offline: bool) -> tuple[str, ...]:
    no_binary, only_binary = stated.formats()
    return (
        *(["--no-index"] if offline or stated.flag("no-index") else []),
        *itertools.chain.from_iterable(("--no-binary", name) for name in no_binary),
        *itertools.chain.from_iterable(("--only-binary", name) for name in only_binary),
    )


def _reasons(stated: _PipOptions) -> Iterator[str]:
    for option in sorted(_NOT_FOR_UV & stated.last.keys()):
        yield f"pip is configured with {option}, which uv does not have"
    trusted = {word.rpartition("@")[2].split(":")[0] for word in stated.words("trusted-host")}
    for url in _addresses(stated):
        parts = _split(url)
        if parts.scheme == "http" and not (_is_local(parts) or parts.hostname in trusted):
            yield f"pip does not trust {parts.hostname} without TLS, as uv would"


def _addresses(stated: _PipOptions) -> list[str]:
    return [word for option in ("index-url", "extra-index-url", "find-links") for word in stated.words(option)]


def _is_local(parts: urllib.parse.SplitResult) -> bool:
    return bool(_LOCAL_HOSTS.fullmatch(parts.hostname or ""))


def _split(url: str) -> urllib.parse.SplitResult:
    try:
        return urllib.parse.urlsplit(url)
    except ValueError as error:
        raise PipConfigError(f"{url!r} in pip's configuration is not a valid URL: {error}") from error
