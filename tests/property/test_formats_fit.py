"""Models and backends are matched by their facts exactly where trying every pair matches one."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from benchloom.errors import ResolutionError
from benchloom.index.index import Index
from benchloom.model.component import Requirement
from benchloom.model.facts import Backend, Model
from benchloom.model.query import parse_query
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.solve import Solution, solve
from support.components import BUILT, PLATFORM, entry, need, universe

FORMATS = st.sampled_from(["onnx", "tflite", "torchscript"])
MODELS = st.lists(FORMATS, min_size=1, max_size=4)
BACKENDS = st.lists(st.sets(FORMATS, max_size=2), min_size=1, max_size=3)


def _model(form: str) -> Model:
    return Model(name="m", task="image-classification", format=form, precision="fp32", inputs=(), outputs=())


def _solved(components: Index) -> Solution | ResolutionError:
    target = Requirement(role="target", query=parse_query("app"), requirer="the test")
    try:
        return solve(target, components, HostFacts(platform=PLATFORM), Overrides())
    except ResolutionError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(MODELS, BACKENDS)
def test_a_pair_is_found_if_there_is_one_and_fits(models: list[str], backends: list[set[str]]):
    """A backend that states no formats takes any: nothing is known of it."""
    components = universe(
        entry("script", "app", "app", requires=(need("model", "model"), need("backend", "backend"))),
        *(
            entry("package", f"model{n}", "model", install=BUILT, family="soft:model", model=_model(form))
            for n, form in enumerate(models)
        ),
        *(
            entry(
                "package",
                f"b{n}",
                "backend",
                install=BUILT,
                priority=n,
                backend=Backend(name="b", formats=tuple(sorted(forms))),
            )
            for n, forms in enumerate(backends)
        ),
    )
    pairs = [(form, forms) for form in models for forms in backends if not forms or form in forms]
    found = _solved(components)
    if isinstance(found, ResolutionError):
        event("none fits")
        assert not pairs
        assert found.fix
        assert any("not " in line for line in found.why)
        return
    event("one fits")
    model, backend = found.options["model"].component.model, found.options["backend"].component.backend
    assert model is not None
    assert backend is not None
    assert not backend.formats or model.format in backend.formats
