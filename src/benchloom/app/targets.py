"""Find the target of a command by name or by tags, and suggestions for unknown inputs."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from benchloom.base.names import nearest as nearest_name
from benchloom.errors import InputError, UnknownNameError
from benchloom.index.index import Index, refuse_unknown_tags
from benchloom.model.component import KINDS, Component, Requirement
from benchloom.model.plan import TARGET_ROLE
from benchloom.model.query import Query, parse_query
from benchloom.model.variation import find_variation

_MOST = 8  # components that a message lists

# Other common names of the roles of a program.
_ROLE_WORDS = {
    "framework": "backend",
    "engine": "backend",
    "runtime": "backend",
    "network": "model",
    "precision": "model",
    "quantization": "model",
    "data": "dataset",
    "device": "backend",
}


def by_name(index: Index, name: str, tags: str, kind: str = "") -> Requirement:
    """Return the requirement on role ``target`` for a component by ``name[,tag,_variation]``, with ``tags`` added."""
    head, _, rest = name.partition(",")
    if head in KINDS and not rest:
        raise InputError(
            f"{head} is a kind, not a component", where="command line", fix=f"choose one: loom find {head}"
        )
    component = index.get(head, kind=kind)
    query = parse_query(rest, where="command line").merged(parse_query(tags, where="--tags"))
    return Requirement(role=TARGET_ROLE, query=query, requirer="the command line", only=component.ref)


def by_tags(index: Index, query: Query, kind: str = "", *, runnable: bool = False) -> Requirement:
    """Return the requirement on role ``target`` for components that match ``query``, ``kind`` and ``runnable``, if given.

    A program, or a component of a given kind, must be the only match; resolution chooses among others by preference.
    Raises UnknownNameError naming the nearest, or InputError listing several.
    """
    refuse_unknown_tags(query, index.components, "--tags")
    found = [item for item in index.match(query, [kind] if kind else []) if item.program or not runnable]
    asked = Requirement(role=TARGET_ROLE, query=query, requirer="the command line", where="--tags")
    if not (kind or runnable or any(item.kind == "program" for item in found)):
        return asked
    if len(found) == 1:
        return msgspec.structs.replace(asked, only=found[0].ref)
    if found:
        by_kind = ", or its kind before --tags" if len({item.kind for item in found}) > 1 else ""
        raise InputError(
            f"{len(found)} {kind or 'component'}s match {str(query)!r}",
            where="--tags",
            why=_distinguished(found),
            fix=f"add a tag that only one has, or write its name{by_kind}",
        )
    pool = [item for item in index.components if kind in {"", item.kind} and (item.program or not runnable)]
    raise UnknownNameError(
        f"no {kind or 'program'} matches {str(query)!r}",
        where="--tags",
        why=nearest(query, pool),
        fix=f"omit a tag, or see loom find {kind or 'program'}",
    )


def find_one(index: Index, name: str, tags: str) -> Component:
    """Return the component called ``name``, or that ``tags`` select (of the kind ``name``, if it is one)."""
    if not tags:
        return index.get(by_name(index, name, "").only) if name in KINDS else index.get(name)
    kind = name if name in KINDS else ""
    query = parse_query(tags, where="--tags")
    refuse_unknown_tags(query, index.components, "--tags")
    found = [item for item in index.match(query, [kind] if kind else []) if kind or not name or item == index.get(name)]
    if len(found) == 1:
        return found[0]
    raise (InputError if found else UnknownNameError)(
        f"{len(found) or 'no'} components match {str(query)!r}",
        where="--tags",
        why=_distinguished(found) or nearest(query, [item for item in index.components if kind in {"", item.kind}]),
        fix="add a tag that only one has, or write its name" if found else "omit a tag",
    )


def nearest(query: Query, components: Iterable[Component], most: int = 3) -> list[str]:
    """Return the components that lack the fewest words of ``query``, each with these; none if one matches completely."""
    words = [*query.tags, *(f"_{name}" for name in query.variations)]
    lacks = [(item.ref, [word for word in words if not _has(item, word)]) for item in components]
    least = min((len(missing) for _, missing in lacks), default=0)
    found = sorted((ref, missing) for ref, missing in lacks if len(missing) == least < len(words))
    return [f"{ref} lacks {', '.join(missing)}" for ref, missing in found[:most] if missing]


def _has(item: Component, word: str) -> bool:
    if word.startswith("_"):
        return find_variation(item, word[1:]) is not None
    return word in item.tags or word in item.variations or word in item.names


def _distinguished(found: Sequence[Component]) -> list[str]:
    """Return each component with the tags that only it has among ``found``."""
    lines = []
    for item in found[:_MOST]:
        others = {tag for other in found if other is not item for tag in other.tags}
        own = [tag for tag in item.tags if tag not in others][:3]
        lines.append(f"{item.ref} (only it has {', '.join(own)})" if own else item.ref)
    return [*lines, f"and {len(found) - _MOST} more"] if len(found) > _MOST else lines


def meant_by(index: Index, component: Component, name: str, value: str, flags: Collection[str]) -> str:
    """Return a suggestion for the unknown input ``--name=value`` of ``component``: a role's query, another program, an input."""
    if name == "dep_add_tags":
        return "name the role: --dep_add_tags.ROLE=TAGS"
    roles = {need.role for need in component.requires}
    role = name if name in roles else _ROLE_WORDS.get(name, "")
    if role in roles:
        other = _other_program(index, component, role, value)
        return f"to choose by tags: --dep_add_tags.{role}={value}" if not other else f"that is another program: {other}"
    declared = component.program.inputs if component.program else ()
    if known := nearest_name(name, [*(one.name for one in declared), *flags]):
        return f"did you mean '--{known}'?"
    names = ", ".join(f"--{item.name}" for item in sorted(declared, key=lambda one: one.name))
    return f"its inputs are {names}" if names else "it takes none"


def _other_program(index: Index, component: Component, role: str, value: str) -> str:
    """Return the program of the same task with the tag ``value``, if no candidate for ``role`` of ``component`` has it."""
    need = next(item.query for item in component.requires if item.role == role)
    wanted = {word for word in value.split(",") if word and not word.startswith(("-", "_", "@"))}
    if not wanted or any(wanted <= {*item.tags, *item.variations} for item in index.match(need)):
        return ""
    shared = {tag for tag in component.tags if component.alias.startswith(tag) and len(tag) > 2}
    found = [
        item
        for item in index.components
        if item.kind == component.kind and wanted <= set(item.tags) and shared <= set(item.tags)
    ]
    return found[0].ref if len(found) == 1 else ""
