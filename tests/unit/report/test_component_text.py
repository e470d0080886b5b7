import pytest

from benchloom.model.component import (
    Command,
    Component,
    Condition,
    Fetch,
    Input,
    Install,
    Program,
    Requirement,
    Variation,
    Version,
)
from benchloom.model.detect import Detect, Executable
from benchloom.model.facts import Classes, Detections, Model, Profile, Reference, Step, Tensor
from benchloom.model.finding import Finding
from benchloom.model.query import parse_query
from benchloom.report.components import component_text, condition_text, step_text

ABOUT = {"uid": "0123456789abcdef", "repo": "trial", "path": "p", "file": "p/.cm/meta.json"}


def headings(text: str):
    return [line for line in text.splitlines()[1:] if line and not line.startswith(" ")]


def test_component_text_of_a_bare_component_has_no_empty_sections():
    text = component_text(Component(kind="soft", alias="bare", **ABOUT), "/r/p", [], [])
    assert headings(text) == []
    assert text.splitlines()[0] == "soft:bare"
    assert "folder      /r/p" in text


def test_component_text_of_a_model_package_is_golden():
    package = Component(
        kind="package",
        alias="net",
        summary="A network",
        tags=("model", "onnx"),
        family="soft:ml-model",
        versions=(Version(version="1.5"), Version(version="1.4", unpinned="upstream states none")),
        default_version="1.5",
        variations={
            "fp32": Variation(name="fp32", group="precision", default=True, env={"PRECISION": "32"}),
            "int8": Variation(name="int8", group="precision", tags=("quantised",)),
        },
        fetch=(Fetch(url="https://host/net.onnx", digest="sha256:ab", size=2048, mirrors=("https://other/net.onnx",)),),
        install=Install(script="unpack.py", arguments=("--fast",)),
        model=Model(
            name="net",
            task="image-classification",
            format="onnx",
            precision="fp32",
            inputs=(Tensor(name="input", shape=("N", 3, 8, 8), dtype="float32", layout="NCHW"),),
            outputs=(Tensor(name="scores"),),
            classes=Classes(count=11, offset=1),
            reference=Reference(metric="top1", value=0.76456, source="a paper"),
        ),
        **ABOUT,
    )
    text = component_text(package, "/r/p", ["unpack.py"], [])
    assert text.split("\n\n", 1)[1] == (
        "versions\n"
        "  1.5  default\n"
        "  1.4  unpinned: upstream states none\n"
        "\n"
        "variations\n"
        "  _fp32  precision (default)  PRECISION=32\n"
        "  _int8  precision            tags quantised\n"
        "\n"
        "downloads\n"
        "  https://host/net.onnx        2.0 KiB  sha256:ab\n"
        "    or https://other/net.onnx\n"
        "\n"
        "install\n"
        "  script  unpack.py --fast\n"
        "\n"
        "model\n"
        "  name      net\n"
        "  task      image-classification\n"
        "  format    onnx, fp32\n"
        "  input     input float32 [N, 3, 8, 8] NCHW\n"
        "  output    scores\n"
        "  classes   11, the first 1 before label 0; prediction by argmax\n"
        "  accuracy  top1 0.76456 (a paper)\n"
        "\n"
        "files\n"
        "  unpack.py"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Detections(order="yxyx"), "yxyx, labels are category ids"),
        (
            Detections(order="xyxy", scale=300.0, threshold=0.05, labels="index"),
            "xyxy, divided by 300, labels count the categories from 1, up to the first score below 0.05",
        ),
    ],
)
def test_component_text_of_a_detector_says_how_its_boxes_are_read(facts: Detections, said: str):
    model = Model(
        name="net",
        task="object-detection",
        format="onnx",
        precision="fp32",
        inputs=(Tensor(name="input"),),
        outputs=(Tensor(name="boxes", meaning="boxes"),),
        classes=Classes(count=90),
        detections=facts,
    )
    text = component_text(Component(kind="package", alias="net", tags=("model",), model=model, **ABOUT), "/r/p", [], [])
    assert f"  classes  90\n  boxes    {said}" in text


def test_component_text_of_a_profile_says_that_images_are_left_out():
    profile = Profile(name="p", steps=(), shape=(1,), dtype="uint8", only_with_objects=True)
    component = Component(kind="package", alias="p", tags=("profile",), profile=profile, **ABOUT)
    assert "images  only those with annotated objects" in component_text(component, "/r/p", [], [])


def test_component_text_of_a_program_lists_commands_inputs_needs_and_findings():
    condition = Condition(convention="ck", alternatives=({"DEVICE": ("cpu", "")},))
    need = Requirement(role="model", query=parse_query("model,@>=1.2"), requirer="program:app", conditions=(condition,))
    program = Program(
        commands=(Command(name="default", text="python main.py"),),
        inputs=(
            Input(name="mode", summary="what to do", choices=("a", "b"), default="a"),
            Input(name="token", summary="for the server", secret=True),
            Input(name="count", summary="how many", type="int", minimum=1),
        ),
        timeout=60,
    )
    component = Component(kind="program", alias="app", program=program, requires=(need,), **ABOUT)
    finding = Finding(rule="unknown-key", severity="warning", subject="program:app", message="unknown key 'x'")
    text = component_text(component, "/r/p", [], [finding])
    assert headings(text) == ["requires", "commands", "inputs", "findings"]
    assert "  model  model,@>=1.2  if DEVICE is cpu or empty" in text
    assert "  time limit  60 s" in text
    assert "  --mode   str  what to do; one of a, b; default a" in text
    assert "  --token  str  for the server; never written to a file" in text
    assert "  --count  int  how many; at least 1" in text
    assert str(finding) in text


def test_component_text_of_a_soft_tells_how_it_is_recognised():
    detect = Detect(executable=Executable(names=("gcc", "cc")))
    text = component_text(Component(kind="soft", alias="gcc", detect=detect, **ABOUT), "/r/p", [], [])
    assert "detected by\n  program on PATH  gcc, cc" in text


def test_condition_text_that_is_negated_says_unless():
    condition = Condition(convention="cm", alternatives=({"A": ("yes",), "B": ("1", "2")},), any=True, negate=True)
    assert condition_text(condition) == "unless A is yes or B is 1 or 2"


def test_step_text_says_only_what_is_given():
    assert step_text(Step(op="resize", size=(256, 256), mode="exact", interpolation="area")) == (
        "resize 256x256 exact area"
    )
    profile = Profile(name="p", steps=(Step(op="subtract", values=(1.5, 2.0)),), shape=(3, 8, 8), dtype="float32")
    text = component_text(Component(kind="package", alias="p", profile=profile, **ABOUT), "/r/p", [], [])
    assert "  step 1  subtract 1.5, 2" in text
    assert "  sample  float32 [3, 8, 8]" in text
