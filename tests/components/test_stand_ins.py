"""What components say of the checks of their stand-ins is what the tests do."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component

ROOT = Path(__file__).resolve().parents[2]
MODELS = [item for item in load([read_repository(ROOT)], None).components if item.model]
STATED = [item for item in MODELS if item.stand_in]


def module_of(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_of(component: Component, module: ModuleType, text: str) -> str:
    """Return what the module's test of the component's stand-in expects."""
    rows = getattr(module, "ROWS", {}).values()
    row = next(
        (
            item
            for item in rows
            if component.alias in {getattr(item, "alias", ""), item[0] if isinstance(item, tuple) else ""}
        ),
        None,
    )
    assert row is not None or component.alias == module.ALIAS
    if component.model is not None and component.model.detections:
        return f"mAP {row.planted:.4f}"
    total = 8 if component.alias == "model-resnet50-pytorch" else module.IMAGES
    assert total == module.IMAGES or f"images={total}" in text
    return f"{total - module.WRONG} of {total}"


@pytest.mark.parametrize("component", STATED, ids=[item.alias for item in STATED])
def test_stand_in_is_in_the_test_that_the_component_names(component: Component):
    file, _, stated = component.stand_in.partition(": ")
    assert stated.startswith(check_of(component, module_of(file), (ROOT / file).read_text()))


def test_models_that_are_downloaded_and_can_be_run_state_their_stand_in():
    downloaded = {item.alias for item in MODELS if any(fetch.url for fetch in item.fetch)}
    assert downloaded == {item.alias for item in STATED}
