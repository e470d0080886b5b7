"""What components say of the checks of their stand-ins is what the tests do."""

import importlib.util
import re
from pathlib import Path

import pytest

from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component

ROOT = Path(__file__).resolve().parents[2]
STATED = [item for item in load([read_repository(ROOT)], None).components if item.stand_in]


@pytest.mark.parametrize("component", STATED, ids=[item.alias for item in STATED])
def test_stand_in_is_in_the_test_that_the_component_names(component: Component):
    stated = re.fullmatch(r"(\S+): (\d+) of (\d+)(?: .*)?", component.stand_in)
    assert stated is not None
    file, right, total = stated.groups()
    text = (ROOT / file).read_text()
    assert f'"{component.alias}"' in text
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert int(total) - int(right) == module.WRONG
    assert int(total) == module.IMAGES or f"images={total}" in text


def test_models_that_are_downloaded_state_their_stand_in():
    models = [item for item in load([read_repository(ROOT)], None).components if item.model]
    assert {item.alias for item in models if any(fetch.url for fetch in item.fetch)} == {
        item.alias for item in STATED
    } - {item.alias for item in STATED if not item.model}
