"""What is refused of a plan's data as soon as it is here, before anything long is done with it."""

from collections.abc import Callable
from pathlib import Path

from benchloom.datasets.layouts.seam import layout_of
from benchloom.datasets.samples import list_images
from benchloom.model.component import Component
from benchloom.model.facts import Facts
from benchloom.model.plan import Node, Plan
from benchloom.model.variation import profile_of


def refuse_unfit_data(plan: Plan, found: Facts, component_of: Callable[[str], Component]) -> None:
    """Raise InputError if the samples of ``plan`` cannot be made from the data set ``found``, or its model cannot be scored on it.

    ``component_of`` returns a component by its reference. What needs the images themselves to be opened is left to the pre-processing.
    """
    dataset, root = found.dataset, Path(found.path)
    if dataset is None:
        return
    samples = _node(plan, "samples")
    if samples and samples.action == "build":
        profile = _node(plan, "profile")
        facts = profile and profile_of(component_of(profile.candidate.component), profile.candidate.variations)
        count = plan.inputs.get("count", "")
        list_images(
            dataset,
            root,
            count=int(count) if count.isdecimal() else None,
            only_with_objects=bool(facts and facts.only_with_objects),
            allow_missing=plan.inputs.get("allow_missing_images") == "yes",
        )
    node = _node(plan, "model")
    model = component_of(node.candidate.component).model if node else None
    if model:
        layout_of(dataset).refuse_misfit(model, dataset, root)


def _node(plan: Plan, role: str) -> Node | None:
    return next((node for node in plan.nodes if role in node.roles), None)
