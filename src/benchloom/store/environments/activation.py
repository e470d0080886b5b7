"""Activation of a virtual environment: scripts for each shell, and variables for processes.

Each script saves what it changes; ``deactivate`` restores it.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

SHELLS = ("bash", "zsh", "fish", "powershell")
_SAVED = "_LOOM_OLD_"
_NO_PROMPT = "VIRTUAL_ENV_DISABLE_PROMPT"


def variables(folder: Path) -> dict[str, str]:
    """Return the variables that an environment in ``folder`` sets, except ``PATH``."""
    return {
        "VIRTUAL_ENV": str(folder),
        "CK_VENV": folder.name,
        "CK_REPOS": str(folder / "CK"),
        "CK_LOCAL_REPO": str(folder / "CK" / "local"),
        "CK_TOOLS": str(folder / "CK-TOOLS"),
        "CK_PYTHON": str(folder / "bin" / "python"),
        "CK_VENV_PYTHON_BIN": str(folder / "bin" / "python3"),  # the name that CK's templates and pages use
    }


def activated(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` for a process inside the environment in ``folder``."""
    kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
    path = os.pathsep.join(item for item in (str(folder / "bin"), environ.get("PATH", "")) if item)
    return {**kept, **variables(folder), "PATH": path}


def command_for(folder: Path, shell: str) -> str:
    """Return the line that activates the environment in ``folder`` when ``shell`` evaluates it."""
    if shell == "powershell":
        return f". {_powershell_word(str(script_for(folder, shell)))}"
    if shell == "fish":
        return f"source {_fish_word(str(script_for(folder, shell)))}"
    return f". {shlex.quote(str(script_for(folder, shell)))}"


def script_for(folder: Path, shell: str) -> Path:
    """Return the file that ``shell`` sources."""
    names = {"fish": "activate.fish", "powershell": "Activate.ps1"}
    return folder / "bin" / names.get(shell, "activate")


def scripts(folder: Path) -> dict[str, str]:
    """Return the activation scripts of the environment in ``folder``, by file name below ``bin``."""
    return {"activate": _posix(folder), "activate.fish": _fish(folder), "Activate.ps1": _powershell(folder)}


def interactive(folder: Path, shell: str) -> list[str]:
    """Return the command that starts ``shell`` (a path) so that it activates the environment after the user's own files."""
    name = Path(shell).name
    if name == "fish":
        return [shell, "--init-command", command_for(folder, "fish")]
    if name == "bash":
        return [shell, "--init-file", str(folder / "bin" / "bashrc")]
    return [shell]


def bashrc(folder: Path) -> str:
    """Return the start-up file of an interactive bash inside the environment."""
    return f"if [ -f ~/.bashrc ]; then . ~/.bashrc; fi\n{command_for(folder, 'bash')}\n"


def _posix(folder: Path) -> str:
    names = [*variables(folder), "PATH"]
    saving = [f'if [ "${{{name}+set}}" ]; then {_SAVED}{name}="${name}"; fi' for name in names]
    setting = [f"export {name}={shlex.quote(value)}" for name, value in variables(folder).items()]
    restoring = [
        f'    if [ "${{{_SAVED}{name}+set}}" ]; then export {name}="${_SAVED}{name}"; unset {_SAVED}{name}; '
        f"else unset {name}; fi"
        for name in names
    ]
    return "\n".join(
        [
            f"# For bash, zsh and sh: {command_for(folder, 'bash')}",
            "deactivate() {",
            *restoring,
            f'    if [ "${{{_SAVED}PS1+set}}" ]; then PS1="${_SAVED}PS1"; unset {_SAVED}PS1; fi',
            '    if [ "${1:-}" != again ]; then unset -f deactivate; fi',
            "    hash -r 2>/dev/null",
            "}",
            f'if [ "${{{_SAVED}PATH+set}}" ]; then deactivate again; fi',
            *saving,
            *setting,
            f'export PATH={shlex.quote(str(folder / "bin"))}"${{PATH:+:$PATH}}"',
            "unset PYTHONHOME",
            f'if [ -z "${{{_NO_PROMPT}:-}}" ] && [ -n "${{PS1:-}}" ]; then',
            f'    {_SAVED}PS1="$PS1"',
            f'    PS1={shlex.quote(f"({folder.name}) ")}"$PS1"',
            "fi",
            "hash -r 2>/dev/null",
            "",
        ]
    )


def _fish(folder: Path) -> str:
    names = [*variables(folder), "PATH"]
    saving = [f"set -q {name}; and set -g {_SAVED}{name} ${name}" for name in names]
    setting = [f"set -gx {name} {_fish_word(value)}" for name, value in variables(folder).items()]
    restoring = [
        f"    if set -q {_SAVED}{name}; set -gx {name} ${_SAVED}{name}; set -e {_SAVED}{name}; else; set -e {name}; end"
        for name in names
    ]
    return "\n".join(
        [
            f"# For fish: {command_for(folder, 'fish')}",
            f"functions -q deactivate; and set -q {_SAVED}PATH; and deactivate",
            *saving,
            *setting,
            f"set -gx PATH {_fish_word(str(folder / 'bin'))} $PATH",
            "set -e PYTHONHOME",
            f"if not set -q {_NO_PROMPT}; and functions -q fish_prompt",
            "    functions -c fish_prompt _loom_old_prompt",
            f"    function fish_prompt; printf '%s ' {_fish_word(f'({folder.name})')}; _loom_old_prompt; end",
            "end",
            "function deactivate",
            *restoring,
            "    if functions -q _loom_old_prompt",
            "        functions -e fish_prompt; functions -c _loom_old_prompt fish_prompt; functions -e _loom_old_prompt",
            "    end",
            "    functions -e deactivate",
            "end",
            "",
        ]
    )


def _powershell(folder: Path) -> str:
    table = [f"    {name} = {_powershell_word(value)}" for name, value in variables(folder).items()]
    place = _powershell_word(str(folder / "bin"))
    return "\n".join(
        [
            f"# For PowerShell: {command_for(folder, 'powershell')}",
            "if ($global:LoomVenvOld -and (Test-Path function:deactivate)) { deactivate }",
            "$variables = @{",
            *table,
            f"    PATH = {place} + [IO.Path]::PathSeparator + $env:PATH",
            "    PYTHONHOME = $null",
            "}",
            "$global:LoomVenvOld = @{}",
            "foreach ($name in $variables.Keys) {",
            "    $global:LoomVenvOld[$name] = [Environment]::GetEnvironmentVariable($name)",
            "    [Environment]::SetEnvironmentVariable($name, $variables[$name])",
            "}",
            f"if (-not $env:{_NO_PROMPT}) {{",
            "    $global:LoomVenvPrompt = $function:prompt",
            f"    function global:prompt {{ {_powershell_word(f'({folder.name}) ')} + (& $global:LoomVenvPrompt) }}",
            "}",
            "function global:deactivate {",
            "    foreach ($name in $global:LoomVenvOld.Keys) {",
            "        [Environment]::SetEnvironmentVariable($name, $global:LoomVenvOld[$name])",
            "    }",
            "    if ($global:LoomVenvPrompt) { $function:global:prompt = $global:LoomVenvPrompt }",
            "    Remove-Variable LoomVenvOld, LoomVenvPrompt -Scope Global -ErrorAction SilentlyContinue",
            "    Remove-Item function:deactivate",
            "}",
            "",
        ]
    )


def _fish_word(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _powershell_word(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
