"""Checks of a plan's data as soon as it is available, before long work."""

from pathlib import Path

from benchloom.datasets.layouts.seam import layout_of
from benchloom.datasets.samples import list_images
from benchloom.model.facts import Facts
from benchloom.model.plan import Plan
from benchloom.model.provision import Built
from benchloom.model.values import FROM_ONE, whole


def refuse_unfit_data(plan: Plan, found: Facts) -> None:
    """Raise InputError if the samples of ``plan`` cannot be made from the data set ``found``, or its model cannot be scored on it.

    Checks that must open the images are left to the pre-processing.
    """
    dataset, root = found.dataset, Path(found.path)
    if dataset is None:
        return
    samples, profile, model = (plan.in_role(role) for role in ("samples", "profile", "model"))
    if samples and isinstance(samples.provision, Built) and not samples.is_here:
        recipe = profile.facts.profile if profile else None
        count = plan.inputs.get("count", "")
        list_images(
            dataset,
            root,
            count=whole(count, "--count", FROM_ONE) if count else None,
            only_with_objects=bool(recipe and recipe.only_with_objects),
            allow_missing=plan.inputs.get("allow_missing_images") == "yes",
        )
    network = model.facts.model if model else None
    if network:
        layout_of(dataset).refuse_misfit(network, dataset, root)
