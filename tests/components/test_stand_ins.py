"""What components say of the checks of their stand-ins is what the tests do."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component
from support.standin import meta_of, planted_onnx

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
    assert component.stand_in is not None
    file, _, stated = component.stand_in.check.partition(": ")
    assert stated.startswith(check_of(component, module_of(file), (ROOT / file).read_text()))


def test_models_that_are_downloaded_and_can_be_run_state_their_stand_in():
    downloaded = {item.alias for item in MODELS if any(fetch.url for fetch in item.fetch)}
    assert downloaded == {item.alias for item in STATED}


def bytes_of(component: Component, module: ModuleType) -> bytes:
    """Return the ONNX network with which the module's test runs the component."""
    if component.alias == getattr(module, "ALIAS", ""):
        made: bytes = module.network(module.CLASSES)
        return made
    row = next(
        item
        for item in module.ROWS.values()
        if component.alias in {getattr(item, "alias", ""), item[0] if isinstance(item, tuple) else ""}
    )
    if isinstance(row, tuple):
        alias, _, *how = row
        return planted_onnx(meta_of(alias)["model"], *how)
    found: bytes = row.data()
    return found


ONNX = [item for item in STATED if item.stand_in and item.stand_in.container == "onnx"]


@pytest.mark.parametrize("component", ONNX, ids=[item.alias for item in ONNX])
def test_stand_in_has_the_size_that_its_component_states(component: Component):
    assert component.stand_in is not None
    size = len(bytes_of(component, module_of(component.stand_in.check.partition(": ")[0])))
    assert size == pytest.approx(component.stand_in.size, rel=0.01)


def test_models_with_a_file_state_how_it_is_written_and_whether_it_was_seen():
    for item in MODELS:
        assert (item.published is not None) == bool(item.fetch), item.ref
        if item.published is not None:
            assert item.published.seen == all(bool(fetch.path) for fetch in item.fetch), item.ref


def test_stand_ins_are_written_as_the_published_files_are():
    for item in STATED:
        assert item.stand_in is not None
        assert item.published is not None
        assert item.published.container in {None, item.stand_in.container}, item.ref


def test_table_of_models_says_of_each_what_is_published_and_what_stands_in_for_it():
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs/reference/models.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    by_ref = {row[0].strip("`"): dict(zip(head, row, strict=True)) for row in rows}
    row = by_ref["package:model-resnet50-pytorch"]
    assert row["Container"].startswith("tar archive of torch.save")
    assert row["Download"] == (
        "size unknown, Zenodo record 4588417<br>`_from-pytorch`: 102,502,400 bytes, download.pytorch.org"
    )
    assert row["Verified with the published file"] == "no"
    assert row["Stand-in"].startswith(
        "tar archive of torch.save (before torch 0.1.10), the whole network, 102,502,400 bytes<br>tests/standins/"
    )
    for item in STATED:
        assert by_ref[item.ref]["Verified with the published file"] == "no"
        assert by_ref[item.ref]["Stand-in"] != "-"
