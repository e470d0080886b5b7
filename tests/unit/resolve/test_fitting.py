"""Facts of a model narrow the backend and the recipe, and those narrow the model."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchloom.errors import ResolutionError
from benchloom.model.component import Component, Variation
from benchloom.model.facts import Backend, Model, Profile, Step, Tensor
from benchloom.model.plan import Plan
from benchloom.resolve.fitting import demands, misfit
from support.components import BUILT, entry, need, planned

STEPS = (Step(op="decode", colour="rgb"), Step(op="transpose", layout="NCHW"))
FLOATS = Profile(name="p", steps=STEPS, shape=(3, 4, 5), dtype="float32")


def model(alias: str, tags: str, layout: str = "", dtype: str = "", **facts: Any) -> Component:
    source = Tensor(name="in", layout=layout, dtype=dtype)
    base: dict[str, Any] = {"name": alias, "task": "image-classification", "precision": "fp32", "format": "onnx"}
    made = Model(**{**base, **facts}, inputs=(source,), outputs=())
    return entry("package", alias, tags, family="soft:model", install=BUILT, model=made)


def backend(alias: str, formats: tuple[str, ...], **fields: Any) -> Component:
    facts = Backend(name=alias, formats=formats, devices=("cpu", "cuda"))
    return entry("package", alias, "backend", install=BUILT, backend=facts, **fields)


def app(*roles: str) -> Component:
    return entry("script", "app", "app", requires=tuple(need(role, role) for role in roles))


def chosen(plan: Plan, role: str) -> str:
    return next(node.id.partition(":")[2] for node in plan.nodes if role in node.roles)


RECIPE = entry(
    "package", "recipe", "profile", profile=FLOATS, variations={"nhwc": Variation(name="nhwc", layout="NHWC")}
)


@pytest.mark.parametrize(("layout", "name"), [("NCHW", "recipe"), ("NHWC", "recipe,_nhwc"), ("", "recipe")])
def test_layout_of_the_input_decides_the_variation(layout: str, name: str):
    plan = planned(app("model", "profile"), model("m", "model", layout, "float32"), RECIPE)
    assert chosen(plan, "profile") == name


def test_layout_that_is_asked_for_narrows_the_model():
    models = (model("a", "model", "NCHW"), model("b", "model", "NHWC"))
    top = entry("script", "app", "app", requires=(need("model", "model"), need("profile", "profile,_nhwc")))
    assert chosen(planned(top, *models, RECIPE), "model") == "b"


def test_recipe_of_another_type_is_never_chosen():
    octets = entry("package", "octets", "profile", priority=9, profile=replace(FLOATS, dtype="uint8"))
    plan = planned(app("model", "profile"), model("m", "model", "NCHW", "float32"), octets, RECIPE)
    assert chosen(plan, "profile") == "recipe"
    with pytest.raises(ResolutionError) as caught:
        planned(app("model", "profile"), model("m", "model", "NCHW", "float32"), octets)
    assert "package:octets: it gives uint8, not float32" in caught.value.why
    assert any("model.inputs.dtype" in line for line in caught.value.why)
    assert caught.value.fix.startswith("choose another model or another profile")


def test_variation_that_runs_on_the_device_is_chosen():
    cuda = {"cuda": Variation(name="cuda", env={"LOOM_DEVICE": "cuda"})}
    plan = planned(
        app("model", "backend"), model("m", "model", devices=("cuda",)), backend("b", ("onnx",), variations=cuda)
    )
    assert chosen(plan, "backend") == "b,_cuda"


def test_device_that_the_backend_does_not_state_is_refused():
    npu = {"npu": Variation(name="npu", env={"LOOM_DEVICE": "npu"})}
    top = entry("script", "app", "app", requires=(need("backend", "backend,_npu"),))
    with pytest.raises(ResolutionError) as caught:
        planned(top, backend("b", ("onnx",), variations=npu))
    assert "package:b: it runs on cpu, cuda, not npu" in caught.value.why


def test_fact_that_nobody_states_is_not_compared():
    silent = entry("package", "silent", "backend", install=BUILT)
    assert chosen(planned(app("model", "backend"), model("m", "model"), silent), "backend") == "silent"
    assert misfit(silent, (), {}, demands(model("m", "model"))) == ""


def test_model_that_does_not_fit_makes_no_answer_ambiguous():
    """Two models of two families would answer equally well, if the backend took both."""
    models = (model("a", "model", format="tflite"), replace(model("b", "model"), family="package:b"))
    plan = planned(app("model", "backend"), *models, backend("run", ("onnx",)))
    assert chosen(plan, "model") == "b"


def test_facts_bring_nothing_in_and_change_no_key():
    alone = planned(model("m", "model,app"))
    assert [node.id for node in alone.nodes] == ["package:m"]
    with_backend = planned(app("model", "backend"), model("m", "model,app2"), backend("b", ("onnx",)))
    node = next(item for item in with_backend.nodes if "model" in item.roles)
    assert node.needs == {}
    assert node.key == alone.nodes[0].key
