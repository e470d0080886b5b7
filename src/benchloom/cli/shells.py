"""The shells that ``loom completion`` supports: click's protocol with custom scripts.

Names contain ``:`` and inputs are written ``--name=value``. bash breaks words at both, so its script joins the
parts before the query, and removes the typed prefix from the results. zsh gets values and descriptions in
separate arrays, in which a colon has no meaning. In all three, no space is added after ``--name=``.
"""

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from benchloom.cli.complete import ValueOf

VARIABLE = "_LOOM_COMPLETE"

_BASH = """\
%(complete_func)s() {
    local word line=() current=0 number glue=""
    for number in "${!COMP_WORDS[@]}"; do
        word="${COMP_WORDS[number]}"
        if ((number > 0)) && [[ $glue || $word == [:=]* ]] && [[ $word != -* ]]; then
            line[-1]+="$word"
        else
            line+=("$word")
        fi
        [[ $word == *[:=] ]] && glue=1 || glue=""
        if ((number == COMP_CWORD)); then
            current=$((${#line[@]} - 1))
            break
        fi
    done
    local typed="${line[current]}" last="${COMP_WORDS[COMP_CWORD]}"
    [[ $last == [:=] ]] && last=""
    local kept="${typed%%"$last"}"
    COMPREPLY=()
    local kind value
    while IFS=, read -r kind value; do
        if [[ $kind == dir ]]; then
            compopt -o dirnames 2>/dev/null
        elif [[ $kind == file ]]; then
            compopt -o default 2>/dev/null
        elif [[ $kind == plain ]]; then
            [[ $value == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("${value#"$kept"}")
        fi
    done < <(COMP_WORDS="$(printf '%%q ' "${line[@]}")" COMP_CWORD=$current %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a reply_lines values shown open_values open_shown
    local kind value text
    (( ! $+commands[%(prog_name)s] )) && return 1
    reply_lines=("${(@f)$(COMP_WORDS="${(j: :)${(@q)words[1,CURRENT]}}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind value text in "${reply_lines[@]}"; do
        if [[ $kind == dir ]]; then
            _path_files -/
        elif [[ $kind == file ]]; then
            [[ $PREFIX == --*=* ]] && compset -P '*='
            _path_files -f
        elif [[ $kind == plain ]]; then
            [[ $text == _ ]] && text="$value" || text="$value  $text"
            if [[ $value == *= ]]; then
                open_values+=("$value"); open_shown+=("$text")
            else
                values+=("$value"); shown+=("$text")
            fi
        fi
    done
    (( ${#values} )) && compadd -l -U -V plain -d shown -a values
    (( ${#open_values} )) && compadd -l -U -S '' -V open -d open_shown -a open_values
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class _Loom(ShellComplete):
    """Completes ``--name=val`` as a whole word, also for the inputs of programs, which click does not know."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        name, equals, value = incomplete.partition("=")
        if not equals or not name.startswith("--"):
            return super().get_completions(args, incomplete)
        self.ctx_args = {**self.ctx_args, "obj": ValueOf(name)}
        found = super().get_completions([*args, name], value)
        return [item if item.type != "plain" else _prefixed(name, item) for item in found]


def _prefixed(name: str, item: CompletionItem) -> CompletionItem:
    return CompletionItem(f"{name}={item.value}", type=item.type, help=item.help)


class Bash(_Loom, BashComplete):
    """bash: joins words broken at ``:`` and ``=``."""

    source_template = _BASH

    def source(self) -> str:
        """Return the script, without checking the version of bash."""
        return self.source_template % self.source_vars()


class Zsh(_Loom, ZshComplete):
    """zsh: three lines per result."""

    source_template = _ZSH

    def format_completion(self, item: CompletionItem) -> str:
        """Return kind, value and description; ``_`` stands for no description."""
        return f"{item.type}\n{item.value}\n{item.help or '_'}"


class Fish(_Loom, FishComplete):
    """fish, as click does it."""


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def script(shell: str, cli: click.Command, prog_name: str) -> str:
    """Return the script that makes ``shell`` complete ``prog_name``."""
    return SHELLS[shell](cli, {}, prog_name, VARIABLE).source()


def register() -> None:
    """Register the classes above with click."""
    for shell, kind in SHELLS.items():
        add_completion_class(kind, shell)
