"""``loom config``."""

import click

from benchloom.app.rulesets import known_rulesets
from benchloom.app.settings import (
    SUMMARIES,
    Setting,
    configuration,
    get_setting,
    set_setting,
    unset_setting,
)
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write_columns, write_exact, write_json
from benchloom.errors import InputError
from benchloom.model.component import RULESET


def _names(_ctx: click.Context, _param: click.Parameter, word: str) -> list[str]:
    return [name for name in SUMMARIES if name.startswith(word)]


@verb("config", example="loom config jobs 8")
@click.argument("name", default="", metavar="[NAME]", shell_complete=_names)
@click.argument("value", required=False, metavar="[VALUE]")
@click.option("--unset", is_flag=True, help="Remove NAME from the settings file.")
def command(session: Session, *, name: str, value: str | None, unset: bool) -> None:
    """Show all settings, show one, or write one: VALUE goes to config.toml in the home of loom (LOOM_HOME).

    A flag overrides a variable LOOM_<NAME>, which overrides the file, which overrides the default. Settings are mirror
    (folder or URL), jobs (number), offline (yes or no), ruleset (see loom find ruleset) and installer (auto, uv or
    pip).
    """
    environ = session.workspace.environ
    if (unset and value is not None) or (unset and not name):
        raise InputError("--unset takes the name of one setting", where="command line")
    if unset:
        unset_setting(environ, name)
    if value is not None:
        _say_if_hidden(session, set_setting(environ, name, value, _choices(session, name)))
    if name:
        setting = get_setting(environ, name) if not unset or name in SUMMARIES else None
        _show_one(session, setting)
        return
    found = configuration(environ)
    if session.as_json:
        write_json(found)
    else:
        write_columns([(item.name, text(item), _origin(item), item.summary) for item in found.settings])
        session.talk.note(f"the settings file is {found.file}")


def _choices(session: Session, name: str) -> tuple[str, ...]:
    return known_rulesets(session.workspace) if name == RULESET else ()


def _show_one(session: Session, setting: Setting | None) -> None:
    if session.as_json:
        write_json(setting)
    elif setting:
        write_exact(text(setting))


def _say_if_hidden(session: Session, setting: Setting) -> None:
    if setting.origin == "environment":
        session.talk.warn(f"{setting.variable} is set and overrides the file")


def text(setting: Setting) -> str:
    """Return a value as it is written on the command line; ``-`` for an empty one."""
    value = setting.value
    return ("yes" if value else "no") if isinstance(value, bool) else str(value) or "-"


def _origin(setting: Setting) -> str:
    return f"{setting.origin} {setting.variable}" if setting.origin == "environment" else setting.origin
