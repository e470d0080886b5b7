"""No module keeps a list of the members of a seam: a file more in the folder is all that a member more takes."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import benchloom
from benchloom.base.members import SEAM

SOURCE = Path(benchloom.__file__).parent
FORMATS = tuple(
    f"report/formats/{path.name}" for path in (SOURCE / "report/formats").iterdir() if any(path.glob("*.py"))
)
ROOMS = ("datasets/layouts", "harness/backends", "harness/tasks", "store/fetch/transports", *sorted(FORMATS))
# Where the same words mean something else.
OTHERS = {"app/repositories.py": {"file", "http"}}  # addresses that git clones


def members_of(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {SEAM, "__init__"}


def named(tree: ast.AST, room: str) -> Iterator[tuple[int, set[str]]]:
    """Yield line and names: of texts that stand together (a table, a choice, a chain of cases), and of what one module imports."""
    imports: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(keys=items):
                yield node.lineno, texts(items)
            case ast.Match(cases=cases):
                yield node.lineno, texts(each for case in cases for each in ast.walk(case.pattern))
            case ast.If(test=test, orelse=others):
                chain = [test]
                while len(others) == 1 and isinstance(others[0], ast.If):
                    chain.append(others[0].test)
                    others = others[0].orelse
                yield node.lineno, texts(each for item in chain for each in ast.walk(item))
            case ast.BoolOp():
                yield node.lineno, texts(ast.walk(node))
            case ast.ImportFrom(module=str(module), names=names):
                parent = "benchloom." + room.replace("/", ".")
                imports |= {item.name for item in names} if module == parent else set()
                imports |= {module.removeprefix(f"{parent}.")} if module.startswith(f"{parent}.") else set()
                yield node.lineno, set(imports)


def texts(nodes: Iterable[ast.AST | None]) -> set[str]:
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {text.replace("-", "_") for text in values if isinstance(text, str)}


def lists_in(source: Path, room: str) -> list[str]:
    """Return the places below ``source``, apart from ``room`` itself, that name two of its members together."""
    members, places = members_of(source / room), []
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if name.startswith(f"{room}/") and path.stem in members:
            continue
        for line, words in named(ast.parse(path.read_text(encoding="utf-8")), room):
            if len(found := (words & members) - OTHERS.get(name, set())) > 1:
                places.append(f"{name}:{line}: {sorted(found)}")
    return places


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_lists_the_members_of_a_seam(room: str):
    assert len(members_of(SOURCE / room)) > 1
    assert lists_in(SOURCE, room) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = ('one', 'other')",
        "x = {'one': 1, 'other-one': 2}",
        "x: Literal['one', 'other']",
        "if x == 'one':\n    y()\nelif x == 'other':\n    z()",
        "y = x == 'one' or x == 'other'",
        "match x:\n    case 'one':\n        y()\n    case 'other':\n        z()",
        "match x:\n    case 'one' | 'other':\n        y()",
        "from benchloom.room import one, other",
        "from benchloom.room.one import f\nfrom benchloom.room.other import g",
    ],
)
def test_a_list_is_found(tmp_path: Path, text: str):
    (tmp_path / "room").mkdir()
    for name in ("one", "other", "other_one", SEAM, "__init__"):
        (tmp_path / "room" / f"{name}.py").write_text("")
    (tmp_path / "made.py").write_text("alone = ('one', 'another')\n")
    assert lists_in(tmp_path, "room") == []
    (tmp_path / "made.py").write_text(text)
    assert lists_in(tmp_path, "room")[0].startswith("made.py:")
