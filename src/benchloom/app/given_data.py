"""The data set in a folder that the user names: a plan must use it."""

from pathlib import Path

from benchloom.errors import InputError
from benchloom.index.index import Index
from benchloom.model.component import Component, Requirement
from benchloom.model.plan import Plan
from benchloom.model.query import Query

DATASET = "dataset"  # the role, and the tag of components that can fill it
MODEL = "model"


def same_data(one: Component, other: Component) -> bool:
    """Tell whether two components are for the same data set."""
    return one.ref == other.ref or bool(one.dataset and other.dataset and one.dataset.name == other.dataset.name)


def requirement_on_data(index: Index, component: Component, *, role: str, requirer: str, where: str) -> Requirement:
    """Return the requirement that ``role`` is filled by the data that ``component`` recognises, directly or preprocessed."""
    tags = [set(item.tags) for item in index.components if same_data(item, component)]
    is_made_of_it = role == DATASET and DATASET not in component.tags and any(DATASET in item for item in tags)
    shared = set.intersection(*(item for item in tags if DATASET in item)) if is_made_of_it else set()
    return Requirement(
        role=role,
        query=Query(tags=tuple(sorted(shared))),
        requirer=requirer,
        where=where,
        optional=True,
        only="" if is_made_of_it else component.ref,
    )


def same_model(made: Plan) -> list[Requirement]:
    """Return the requirement that a new plan keeps the model of ``made``, if there is one."""
    return [
        Requirement(
            role=MODEL, query=Query(), requirer="the command line", optional=True, only=node.candidate.component
        )
        for node in made.nodes
        if MODEL in node.roles
    ]


def unused_data(made: Plan, path: str) -> InputError:
    """Return the error for a plan that does not use the data set in ``path``."""
    uses = [f"{', '.join(node.roles)}: {node.id}" for node in made.nodes if {DATASET, MODEL} & set(node.roles)]
    return InputError(
        f"the plan would not use the data set in {Path(path).expanduser().absolute()}",
        where="--dataset_path",
        why=uses,
        fix="choose a model for this data set: --dep_add_tags.model=TAGS (loom find package --tags=model)",
    )
