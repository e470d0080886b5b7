"""The entry point: the table of verbs, and errors turned into messages and exit codes.

Verbs are imported when used, so ``loom --help`` costs little more than Python itself.
"""

import atexit
import errno
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TextIO

import click

from benchloom import __version__
from benchloom.base.names import did_you_mean, is_unicode
from benchloom.cli.groups import HelpfulGroup
from benchloom.errors import EXIT_EXECUTION, EXIT_INPUT, EXIT_INTERRUPTED, ExecutionError, InputError, LoomError

VERBS = {
    "find": "List components by kind, name or tags.",
    "show": "Show everything known about one component.",
    "plan": "Show the whole graph of a target before anything runs.",
    "run": "Run a program and leave a record.",
    "install": "Install a component and its requirements.",
    "detect": "Look for installed software and files on this machine.",
    "explain": "Explain why something was chosen, or not.",
    "graph": "Draw a plan as svg, dot, mermaid or json.",
    "lock": "Write a lock file with the choices of a plan.",
    "venv": "Create and use virtual environments from templates.",
    "record": "List and show records of runs.",
    "tune": "Search for the best settings of a program on this machine.",
    "compare": "Compare records of runs.",
    "submit": "Check a submission to MLPerf Inference.",
    "repo": "Add, list, remove and synchronise repositories.",
    "lint": "Check the components of the repositories.",
    "new": "Create the skeleton of a component.",
    "verify": "Verify the store by its digests.",
    "gc": "Remove unused entries from the store.",
    "doctor": "Check this machine, the store and the repositories.",
    "config": "Show and change settings.",
    "completion": "Print the shell code that completes verbs and components.",
    "schema": "Print the JSON Schema of what --json prints.",
    "test": "Run the project's own tests (in a checkout).",
    "bench": "Benchmark the project against baselines and peers (in a checkout).",
}

HIDDEN = ("ck",)  # verbs that programs call, not people

# Fixes for errors of the operating system that no verb explains better.
_FIXES = {
    errno.EACCES: "make it accessible to this user, or set LOOM_HOME to another folder",
    errno.EDQUOT: "free some space (loom gc), or set LOOM_HOME to a folder on another disk",
    errno.ENOSPC: "free some space (loom gc), or set LOOM_HOME to a folder on another disk",
    errno.EROFS: "set LOOM_HOME to a writable folder",
}

COLLECT_AFTER = 1_000_000  # allocations before a collection; 700 in Python by default

EPILOG = """\b
Examples:
  loom run program:image-classification-onnx
  loom run program:image-classification-onnx --scenario=Offline
  loom find package --tags=model,onnx
  loom plan program:image-classification-onnx --dep_add_tags.model=digits

Every verb takes --json, --quiet, --offline, --mirror and --debug, before it or after it.

Exit codes: 0 ok, 1 negative answer, 2 wrong input, 3 cannot resolve, fetch or install, 4 the program failed, 5 bytes or
lock do not match, 130 interrupted."""


class Verbs(HelpfulGroup):
    """A group that knows its commands by name and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a verb; None for an unknown one."""
        if cmd_name not in VERBS and cmd_name not in HIDDEN:
            return None
        module = importlib.import_module(f"benchloom.cli.verbs.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.version_option(__version__, prog_name="loom")
def loom() -> None:
    """Assemble and run reproducible MLPerf-style inference benchmarks from components chosen by tags."""


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one return per kind of result
    """Run one command and return its exit status (see the exit codes of ``benchloom.errors``)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        signal.signal(signal.SIGTERM, _terminated)
        _collect_rarely()
    if "_LOOM_COMPLETE" in os.environ:
        from benchloom.cli.shells import register  # late: only a shell that completes needs it

        register()
    try:
        return _with_traceback(words) if "--debug" in words else _call(words)
    except LoomError as error:
        return _report(error, words)
    except click.UsageError as error:
        return _report_usage(error, words)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _tell("loom: interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout)
        return 0
    except OSError as error:
        return _report(_of_system(error), words)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback unless requested
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _tell(f"loom: internal error: {text}\n  fix: run again with --debug and report what it prints")
        return EXIT_EXECUTION


def _collect_rarely() -> None:
    """Reduce the time of garbage collection in short commands, during the command and at interpreter exit."""
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def _terminated(number: int, frame: object) -> None:
    """End as by Ctrl-C: children are ended and the record is written; the status is the shell's for this signal."""
    del frame
    sys.exit(128 + number)


def _refuse_undecodable(words: Sequence[str]) -> None:
    """Raise InputError for an argument that is not UTF-8, before anything runs: records, plans and messages cannot contain it."""
    texts = {f"word {place} of the command line": word for place, word in enumerate(words, 1)}
    texts["the variable LOOM_HOME"] = os.environ.get("LOOM_HOME", "")
    for name, text in texts.items():
        if not is_unicode(text):
            raise InputError(
                "it is not valid UTF-8", where=name, why=[ascii(text)], fix="rename the file or folder, or correct it"
            )


def _call(words: list[str]) -> int:
    _refuse_undecodable(words)
    status = loom.main(args=words, prog_name="loom", standalone_mode=False)
    sys.stdout.flush()
    return status if isinstance(status, int) else 0


def _with_traceback(words: list[str]) -> int:
    """Run ``_call``, and print the traceback of an error before it is reported, except for usage errors."""
    try:
        return _call(words)
    except click.ClickException:
        raise
    except Exception:
        _tell(traceback.format_exc().rstrip())
        raise


def _of_system(error: OSError) -> LoomError:
    """Convert an OSError to a LoomError with the file and the system's reason.

    One without a file is about standard output.
    """
    what = error.strerror or str(error) or type(error).__name__
    if error.errno == errno.ENAMETOOLONG:
        return InputError("the path is too long", where=str(error.filename), fix="use a shorter path")
    if error.filename:
        return ExecutionError(what, where=str(error.filename), fix=_FIXES.get(error.errno or 0, ""))
    _drop(sys.stdout)
    return ExecutionError(f"the output cannot be written: {what}", where="standard output")


def _report(error: LoomError, words: Sequence[str]) -> int:
    if "--json" in words:
        from benchloom.cli.render import write_json

        _written(sys.stdout, lambda: write_json({"error": error.as_dict()}))
    _tell(f"loom: {error}")
    return error.exit_code


def _tell(text: str) -> None:
    """Write to standard error if possible; the exit status is set in any case."""
    from benchloom.cli.terminal import say  # late: most commands print no messages

    _written(sys.stderr, lambda: say(text, is_error=True))


def _written(stream: TextIO, write: Callable[[], None]) -> None:
    """Write to ``stream``, or discard its buffer if it cannot be written."""
    try:
        write()
    except OSError:
        _drop(stream)


def _drop(stream: TextIO) -> None:
    """Discard buffered output: the interpreter would write it at exit, and fail with another exit status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report_usage(error: click.UsageError, words: Sequence[str]) -> int:
    command = error.ctx.command_path if error.ctx else "loom"
    hint = ""
    if isinstance(error, click.NoSuchOption) and error.ctx:
        known = [name for item in error.ctx.command.get_params(error.ctx) for name in item.opts]
        hint = did_you_mean(error.option_name, known)
    what = error.format_message().partition(" Did you mean")[0].rstrip(".")
    fix = hint or f"see {command} --help"
    return _report(LoomError(what, where=command, fix=fix), words) and EXIT_INPUT
