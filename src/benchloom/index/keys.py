"""The keys that metadata files may have, those of CK, CM and MLC included: one table, from which reader, lint, schemas and reference pages are derived.

To add a key, add a row here. A key without a row is unknown; a row whose effect is ``lost`` is a finding wherever the
key stands. Read from the sources of ck 2.6.4, cmind 4.2.0 and mlcflow 1.3.6, and counted over their repositories.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from benchloom.model.component import Input

Place = Literal["entry", "variation", "command", "need", "input"]
# acted: the engine implements it. none: it does not affect what is chosen and run. foreign: it tells how another tool does
# what the engine does in its own way, or leaves to that tool. lost: it affects what is chosen or run, but is not implemented.
Effect = Literal["acted", "none", "foreign", "lost"]
Tool = Literal["loom", "ck", "cm"]  # cm: CM and MLC


class Key(NamedTuple):
    """One key: its place, its tool (a key of ``loom`` may occur in files of every tool), and its effect."""

    place: Place
    name: str
    tool: Tool
    effect: Effect
    summary: str


def _rows(place: Place, tool: Tool, effect: Effect, keys: Mapping[str, str]) -> Iterator[Key]:
    return (Key(place, name, tool, effect, summary) for name, summary in keys.items())


_ENTRY_ACTED = {
    "tags": "tags for queries",
    "summary": "one line for people",
    "licence": "SPDX expression of its content",
    "maintainers": "who maintains it",
    "sources": "sources of its facts",
    "priority": "the higher of two equally good answers wins",
    "default_for": "queries it wins over equally good answers",
    "ck_queries": "queries of CK's pages and programs that match it alone",
    "published": "known facts about a model's published file",
    "stand_in": "the replacement of that file in the tests",
    "run_cmds": "commands by name",
    "run_vars": "variables of every command",
    "inputs": "inputs of the program by name",
    "timeout": "seconds after which the program is killed",
    "results": "file the program leaves; default results.json",
    "check": "command that checks whether it can run",
    "needs": "requirements by role, each stated by tags",
    "versions": "versions on offer",
    "default_version": "the version that is preferred",
    "variations": "variations by name",
    "default_variations": "the variation of each group that is chosen if none is asked for",
    "deps": "what it needs",
    "fetch": "what is downloaded",
    "install": "how its result is made",
    "result": "file or folder, below its contents, that is its result",
    "model": "facts of a model",
    "dataset": "facts of a data set",
    "profile": "how samples are prepared",
    "backend": "facts of a backend",
    "ruleset": "what a round of MLPerf, or a company, demands",
    "submission": "contents of a round's submission, and the checks of its official checker",
    "detect": "how it is detected on a machine",
    "customize": "how ck sets it up; versions and variables are read from it",
    "soft_uoa": "alias of the soft component it registers",
    "env": "variables it exports",
    "default_env": "variables it exports unless something else sets them",
    "uid": "16 hexadecimal digits that do not change when it is renamed",
    "alias": "its name",
}
_ENTRY_CK_ACTED = {
    "_base_entry": "the entry that it inherits from, kind:alias; see write-a-program.md",
    "bench": "of a program: targets (cpu, gpu) that CK's pages run it on, for each of which an entry is generated",
    "package": "of a soft entry: what the package generated from it adds",
    "run_deps": "requirements of the program",
    "by_hand": "how to obtain it by hand; it is never treated as installed",
    "end_full_path_universal": "result below the output of its script",
    "process_script": "script that installs it; only ck runs it",
    "no_compile": "yes if nothing has to be compiled",
    "source_files": "sources that only ck compiles",
}
_ENTRY_CK_FOREIGN = {
    "template": "packages that another tool installs into a virtual environment",
    "python": "Python with which another tool creates a virtual environment",
    "program": "yes in a program",
    "process_in_tmp": "whether ck runs it in a folder tmp",
    "no_target_file": "whether ck expects a compiled file",
    "target_file": "the file that ck compiles",
    "build_compiler_vars": "definitions that ck compiles with",
    "compiler_env": "which compiler ck takes",
    "compiler_flags_as_env": "flags that ck compiles with",
    "compiler_add_include_as_env_from_deps": "folders that ck compiles with",
    "compile_cmds": "how ck compiles it",
    "extra_ld_vars": "what ck links with",
    "linker_add_lib_as_env": "what ck links with",
    "skip_bin_ext": "how ck calls the compiled file",
    "use_compile_script": "how ck compiles it",
    "use_preprocess_compilation_scripts": "what ck runs before compiling",
    "print_files_after_run": "files that ck prints",
    "pass_env_to_resolve": "variables that ck passes on",
    "ck_to_env": "variables that ck passes on",
    "skip_tmp_deps": "whether ck discards its choices",
    "end_full_path": "result below the output of its script, by operating system",
    "use_scripts_from_another_entry": "entry whose script ck runs",
    "use_preprocess_scripts_from_another_entry": "entry whose script ck runs before",
    "use_customize_script_from_another_entry": "entry whose script detects it for ck",
    "suggested_path": "folder that ck installs into",
    "package_extra_name": "part of the folder that ck installs into",
    "auto_detect": "whether ck tries to detect it before installing it",
    "check_exit_status": "whether ck checks the exit status of its script",
    "need_cpu_info": "what ck looks up before installing it",
    "skip_setup": "whether ck registers it",
    "skip_file_check": "whether ck looks for the file it registers",
    "remove_deps": "requirements that ck does not record",
    "tool": "name of the file that ck looks for",
}
_ENTRY_CK_LOST = {
    "compile_deps": "requirements of compiling it",
    "only_for_host_os_tags": "operating systems that can use it",
    "only_for_target_os_tags": "operating systems it is made for",
}
_ENTRY_CM_FOREIGN = {
    "automation_alias": "alias of CM's automation",
    "automation_uid": "uid of CM's automation",
    "cache": "whether cm caches the output of the script",
    "can_force_cache": "whether cm can be asked to cache it",
    "cache_expiration": "how long mlc caches it",
    "extra_cache_tags_from_env": "tags by which cm finds it in its cache",
    "clean_files": "files that cm removes",
    "clean_output_files": "files that cm removes",
    "new_env_keys": "variables that its script exports",
    "new_state_keys": "state that its script exports",
    "local_env_keys": "variables local to its script",
    "env_key_mappings": "names of variables in its script",
    "file_path_env_keys": "variables that mlc mounts into containers",
    "folder_path_env_keys": "variables that mlc mounts into containers",
    "script_name": "the script that cm runs",
    "docker": "how cm builds a container from it",
    "docker_input_mapping": "inputs of that container",
    "remote_run": "how mlc runs it elsewhere",
    "mlc_compat": "versions of mlc that can run it",
    "min_cm_version": "oldest version of cm that can run it",
}
_ENTRY_CM_LOST = {
    "input_mapping": "inputs that become variables",
    "const": "variables that cannot be overridden",
    "post_deps": "requirements that are resolved last",
    "posthook_deps": "requirements after its script",
    "predeps": "requirements that are resolved first",
    "add_deps": "changes to its own requirements",
    "add_deps_recursive": "changes to all transitive requirements",
    "ad": "changes to its own requirements",
    "adr": "changes to all transitive requirements",
    "default_variation": "the variation that is chosen if none is asked for",
    "valid_variation_combinations": "valid combinations of variations",
    "invalid_variation_combinations": "invalid combinations of variations",
    "update_meta_if_env": "metadata that applies if variables are set",
}
_ENTRY_NONE: dict[Tool, dict[str, str]] = {
    "loom": {"$schema": "the schema an editor checks it with", "soft_name": "its name for people"},
    "ck": {"main_language": "what it is written in", "package_name": "its name for people", "problem": "what is wrong"},
    "cm": {
        "category": "a heading for it",
        "name": "its name for people",
        "developers": "who wrote it",
        "input_description": "what its inputs are",
        "tags_help": "how to invoke it",
        "variation_groups_order": "the order groups are shown in",
        "print_env_at_the_end": "variables that cm prints",
        "print_files_if_script_error": "files that cm prints",
        "tests": "how it is tested",
        "warnings": "what cm prints",
        "gui": "how a form shows it",
    },
}
_VARIATION_ACTED = {
    "summary": "one line for people",
    "group": "one variation of a group is chosen",
    "default": "whether it is chosen if none of its group is asked for",
    "on_by_default": "yes if it is chosen unless it conflicts with another one",
    "env": "variables it sets",
    "extra_env": "variables it sets",
    "default_env": "variables it sets unless something else does",
    "extra_tags": "tags for queries",
    "base": "variations that it includes",
    "alias": "the variation that it is an alias of",
    "default_variations": "the variation of other groups that is chosen with it",
    "version": "the version it is",
    "fetch": "what is downloaded",
    "pip": "what is installed by pip",
    "profile": "how samples are prepared",
    "layout": "how samples are laid out",
    "needs": "what it needs",
    "deps": "what it needs",
    "run_deps": "what it needs",
    "prehook_deps": "requirements before its script",
}
_VARIATION_FOREIGN = {
    "extra_customize": "how ck sets it up",
    "new_env_keys": "variables that its script exports",
    "new_state_keys": "state that its script exports",
    "state": "state of its script",
    "script_name": "the script that cm runs",
    "docker": "how cm builds a container from it",
}
_VARIATION_LOST = {
    "const": "variables that cannot be overridden",
    "post_deps": "requirements that are resolved last",
    "posthook_deps": "requirements after its script",
    "add_deps": "changes to the requirements of its entry",
    "add_deps_recursive": "changes to all transitive requirements of its entry",
    "ad": "changes to the requirements of its entry",
    "adr": "changes to all transitive requirements of its entry",
}
_COMMAND_ACTED = {
    "run_time": "run_cmd_main is the command",
    "run_vars": "variables of this command",
    "summary": "one line for people",
}
_COMMAND_FOREIGN = {
    "run_deps": "what only ck needs to run the command",
    "hot_functions": "what ck measures",
    "autotuning": "what ck varies",
    "sort": "its order among what ck shows",
    "add_only_if_deps_tags": "when ck offers the command to a user who names none",
    "add_dataset_file_to_env": "how ck passes a data set on",
    "send_only_selected_file": "how ck passes a data set on",
}
_COMMAND_LOST = {
    "ignore_return_code": "whether a failing command counts as successful",
    "dataset_tags": "data sets that it runs on",
}
_NEED_ACTED = {
    "tags": "a query: tag,tag,-tag,_variation,@version",
    "no_tags": "tags and, with an underscore, variations that are excluded",
    "names": "its role; the first counts",
    "version": "a version, or a range such as >=1.2,<2",
    "version_from": "the lowest version, as ck writes it",
    "version_to": "the highest version, as ck writes it",
    "version_min": "the lowest version",
    "version_max": "the highest version",
    "optional": "yes if it is not required",
    "continue_on_error": "in a venv.template: leave it out, with a note, if it cannot be fetched",
    "enable_if_env": "it is needed only if these variables are set",
    "disable_if_env": "it is not needed if these variables are set",
    "skip_if_env": "it is not needed if these variables are set",
    "enable_if_any_env": "it is needed only if one of these variables is set",
    "skip_if_any_env": "it is not needed if one of these variables is set",
    "env": "variables of the chosen component",
    "sort": "its order among the requirements",
}
_NEED_FOREIGN = {
    "local": "whether ck requires a match for this operating system",
    "force_target_as_host": "which machine ck searches",
    "skip_default": "whether ck considers registered environments",
    "add_to_path": "part of the folder that ck installs into",
    "skip_from_bat": "whether ck sets its variables",
    "force_cache": "whether cm caches the result",
    "force_env_keys": "variables that cm passes on",
    "extra_cache_tags": "tags by which cm finds the result in its cache",
    "dynamic": "whether cm runs it again if the rest is cached",
    "skip_if_fake_run": "whether cm skips it in a fake run",
}
_NEED_LOST = {
    "or_tags": "alternatives of tags",
    "only_for_target_os_tags": "operating systems on which it is required",
    "update_tags_if_env": "tags that are added if variables are set",
    "update_tags_from_env": "variables whose values are added as tags",
    "update_tags_from_env_with_prefix": "variables whose values are added as variations",
    "inherit_variation_tags": "whether variations of the entry are passed on",
    "skip_inherit_variation_groups": "groups that are not passed on",
    "reuse_version": "whether the version of the entry is passed on",
    "version_max_usable": "the version to use if the newest is too new",
    "adr": "changes to all transitive requirements",
}
KEYS: tuple[Key, ...] = (
    *_rows("entry", "loom", "acted", _ENTRY_ACTED),
    *_rows("entry", "loom", "foreign", {"sort": "its order among the results of ck and cm"}),
    *_rows("entry", "ck", "acted", _ENTRY_CK_ACTED),
    *_rows("entry", "ck", "foreign", _ENTRY_CK_FOREIGN),
    *_rows("entry", "ck", "lost", _ENTRY_CK_LOST),
    *_rows("entry", "cm", "acted", {"prehook_deps": "requirements before its script"}),
    *_rows("entry", "cm", "foreign", _ENTRY_CM_FOREIGN),
    *_rows("entry", "cm", "lost", _ENTRY_CM_LOST),
    *(row for tool, keys in _ENTRY_NONE.items() for row in _rows("entry", tool, "none", keys)),
    *_rows("variation", "loom", "acted", _VARIATION_ACTED),
    *_rows("variation", "cm", "foreign", _VARIATION_FOREIGN),
    *_rows("variation", "cm", "lost", _VARIATION_LOST),
    *_rows("variation", "loom", "none", {"comment": "notes for people", "required_disk_space": "in megabytes"}),
    *_rows("command", "loom", "acted", _COMMAND_ACTED),
    *_rows("command", "ck", "foreign", _COMMAND_FOREIGN),
    *_rows("command", "ck", "lost", _COMMAND_LOST),
    *_rows("command", "ck", "none", {"name": "its name for people"}),
    *_rows("need", "loom", "acted", _NEED_ACTED),
    *_rows("need", "loom", "foreign", _NEED_FOREIGN),
    *_rows("need", "loom", "lost", _NEED_LOST),
    *_rows("need", "loom", "none", {"name": "its name for people"}),
    *_rows("input", "loom", "acted", dict.fromkeys(Input.__struct_fields__, "see its type")),
)
_BY_PLACE: dict[str, dict[str, Key]] = {}
for _row in KEYS:
    _BY_PLACE.setdefault(_row.place, {})[_row.name] = _row


def keys_of(place: Place) -> Mapping[str, Key]:
    """Return the keys that may stand at ``place``, by name."""
    return _BY_PLACE[place]
