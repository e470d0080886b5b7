"""Files of torch: three containers, two kinds of content and TorchScript, whole or made to do harm, given as each format."""

import io
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchloom.errors import InputError
from benchloom.model.facts import Model
from support.torch_model import torch_model

torch = pytest.importorskip("torch")
backend = pytest.importorskip("benchloom.harness.backends.pytorch")
tar_writer = pytest.importorskip("support.standins.torch_tar")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch announces the end of TorchScript

STATE_DICT, MODULE, SCRIPT = "pytorch-state-dict", "pytorch-pickled-module", "torchscript"


def model(format: str, architecture: str = "digits") -> Model:
    return torch_model(format, architecture)


def digits() -> Any:
    from benchloom.harness.architectures.digits import build

    torch.manual_seed(1)
    return build().eval()


def refused(format: str, path: Path, architecture: str = "digits") -> str:
    """Load the file and return the one error that it gives, as the user reads it."""
    with pytest.raises(InputError) as caught:
        backend.load(model(format, architecture), str(path), 1)
    assert caught.value.where == str(path)
    assert "weights_only" not in str(caught.value)
    return str(caught.value)


class Touched:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.path, "w")


# -- what is read ---------------------------------------------------------------------------------------------------

CONTAINERS: dict[str, Callable[[Any, Path], None]] = {
    "zip": torch.save,
    "pickle": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "tar": tar_writer.save_tar,
    "tar of parameters": lambda state, path: tar_writer.save_tar(state, path, as_parameters=True),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_state_dict_is_read_from_each_container(tmp_path: Path, container: str):
    network, path = digits(), tmp_path / "weights.pth"
    CONTAINERS[container](network.state_dict(), path)
    batch = np.random.default_rng(3).normal(size=(5, 1, 32, 32)).astype(np.float32)
    found = backend.load(model(STATE_DICT), str(path), 1).run([batch])[0]
    with torch.inference_mode():
        np.testing.assert_array_equal(found, network(torch.from_numpy(batch)).numpy())


@pytest.mark.parametrize(
    ("container", "types"), [("tar", "float32 float64 int64 uint8"), ("tar of parameters", "float32")]
)
def test_torch_reads_the_tar_of_the_tests_and_finds_what_is_read_here(tmp_path: Path, container: str, types: str):
    from benchloom.harness.model_files.torch_files import state_dict

    numbers = (torch.arange(24) % 7).reshape(2, 3, 4)
    state = OrderedDict((name, numbers.to(getattr(torch, name))) for name in types.split())
    CONTAINERS[container](state, tmp_path / "weights.pth")
    theirs, ours = torch.load(tmp_path / "weights.pth", weights_only=False), state_dict(str(tmp_path / "weights.pth"))
    assert list(ours) == list(theirs) == list(state)
    for name, tensor in ours.items():
        assert tensor.dtype == theirs[name].dtype
        assert torch.equal(tensor, theirs[name])


@pytest.mark.parametrize("as_parameters", [False, True])
def test_tar_of_resnet50_has_the_size_of_the_published_file(tmp_path: Path, as_parameters: bool):
    from support.standins.pytorch import full_resnet50, state_dict

    state_dict(full_resnet50(), tmp_path / "resnet50.pth", as_parameters=as_parameters)
    assert (tmp_path / "resnet50.pth").stat().st_size == 102_502_400


def test_tensors_may_share_a_storage_and_have_strides(tmp_path: Path):
    from benchloom.harness.model_files.torch_files import state_dict

    members = parts(sizes=(3, 2), strides=(1, 3), views=[(30, 11, 2, 3)])
    path = tarred(tmp_path, members)
    assert torch.equal(state_dict(str(path))["a"], torch.arange(6.0).reshape(2, 3).T)


# -- tars that are made to do harm ----------------------------------------------------------------------------------

KEY, STORAGE = 10, 11


class _Plain(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return obj.pid if isinstance(obj, _Id) else None


class _Id:
    def __init__(self, pid: Any) -> None:
        self.pid = pid


def dumped(obj: Any) -> bytes:
    stream = io.BytesIO()
    _Plain(stream, protocol=2).dump(obj)
    return stream.getvalue()


def parts(
    *,
    sizes: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
    dimensions: int = 2,
    elements: int = 6,
    data: bytes = np.arange(6, dtype=np.float32).tobytes(),
    kind: Any = torch.FloatStorage,
    storage: Any = STORAGE,
    count: Any = 1,
    views: Any = (),
    holds: Any = None,
    system: Any = None,
) -> dict[str, bytes]:
    """Return the four members of a file with one tensor, ``a``, with some of what they say changed."""
    numbers = (*sizes, *strides, offset)
    return {
        "sys_info": dumped(system if system is not None else {"protocol_version": 1000, "little_endian": True}),
        "pickle": holds if isinstance(holds, bytes) else dumped({"a": _Id(str(KEY))} if holds is None else holds),
        "tensors": dumped(count)
        + dumped((KEY, storage, torch.FloatTensor))
        + struct.pack(f"<ii{len(numbers)}q", dimensions, 0, *numbers),
        "storages": dumped(count)
        + dumped((STORAGE, "cpu", kind))
        + struct.pack("<q", elements)
        + data
        + dumped(list(views)),
    }


def tarred(folder: Path, members: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] | None = None) -> Path:
    path = folder / "weights.pth"
    with tarfile.open(path, "w:") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if change:
                change(info)
            archive.addfile(info, io.BytesIO(content))
    return path


HOSTILE_TARS: dict[str, tuple[dict[str, Any], str]] = {
    "number below zero": ({"count": -1}, "does not start with the number of tensors"),
    "number of tensors without end": ({"count": 10**9}, "does not start with the number of tensors"),
    "number in words": ({"count": "one"}, "does not start with the number of tensors"),
    "two tensors said, one there": ({"count": 2}, "cannot be read as a state dict"),
    "storage of exabytes": ({"elements": 1 << 60}, "does not fit into the file"),
    "storage below zero": ({"elements": -1}, "does not fit into the file"),
    "storage that ends early": ({"data": b"1234"}, "cannot be read as a state dict"),
    "storage of a type of code": ({"kind": Path}, "it names pathlib"),
    "storage of a type that is none": ({"kind": "float"}, "has no key or no type"),
    "tensor without a storage": ({"storage": 99}, "cannot be read as a state dict"),
    "storage of a list": ({"storage": [1]}, "cannot be read as a state dict"),
    "too many dimensions": ({"dimensions": 65}, "a tensor has 65 dimensions"),
    "dimensions below zero": ({"dimensions": -1}, "a tensor has -1 dimensions"),
    "size below zero": ({"sizes": (-2, 3)}, "is outside its storage of 6"),
    "size beyond": ({"sizes": (3, 3)}, "is outside its storage of 6"),
    "stride below zero": ({"strides": (3, -1)}, "is outside its storage of 6"),
    "stride beyond": ({"strides": (4, 1)}, "is outside its storage of 6"),
    "one number over and over": ({"sizes": (1 << 40, 1 << 20), "strides": (0, 0)}, "is outside its storage of 6"),
    "offset below zero": ({"offset": -1}, "is outside its storage of 6"),
    "offset beyond": ({"offset": 1}, "is outside its storage of 6"),
    "part before its whole": ({"views": [(30, STORAGE, -1, 2)]}, "outside the one that it is a part of"),
    "part beyond its whole": ({"views": [(30, STORAGE, 5, 2)]}, "outside the one that it is a part of"),
    "part of nothing": ({"views": [(30, 99, 0, 2)]}, "cannot be read as a state dict"),
    "other byte order": ({"system": {"little_endian": False}}, "other byte order"),
    "system of a list": ({"system": [1]}, "other byte order"),
    "tensor that is not there": ({"holds": {"a": _Id("77")}}, "cannot be read as a state dict"),
    "tensor without a number": ({"holds": {"a": _Id("seven")}}, "cannot be read as a state dict"),
    "network": ({"holds": {"a": _Id((KEY, "network.py", "class"))}}, "cannot be read as a state dict"),
    "memo without end": ({"holds": b"\x80\x02}r\xff\xff\xff\x7fK\x01s."}, "cannot be read as a state dict"),
    "text of gigabytes": ({"holds": b"\x80\x02X\xff\xff\xff\xffabc."}, "cannot be read as a state dict"),
    "nothing": ({"holds": b""}, "cannot be read as a state dict"),
    "number": ({"holds": 7}, "the file contains no state dict"),
    "tables in a table": ({"holds": {"state_dict": {}, "epoch": 3}}, "contains dict by the name 'state_dict'"),
}


@pytest.mark.parametrize("what", HOSTILE_TARS)
def test_tar_that_is_made_to_do_harm_is_one_error(tmp_path: Path, what: str):
    changes, told = HOSTILE_TARS[what]
    assert told in refused(STATE_DICT, tarred(tmp_path, parts(**changes)))


@pytest.mark.parametrize("member", ["sys_info", "pickle", "tensors", "storages"])
def test_code_in_a_member_of_a_tar_is_not_run(tmp_path: Path, member: str):
    path = tarred(tmp_path, {**parts(), member: dumped(Touched(tmp_path / "ran"))})
    assert "it names io.open, which a state dict does not need; no code was run" in refused(STATE_DICT, path)
    assert not (tmp_path / "ran").exists()


def linked(info: tarfile.TarInfo) -> None:
    if info.name == "storages":
        info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0


def folded(info: tarfile.TarInfo) -> None:
    if info.name == "storages":
        info.type, info.size = tarfile.DIRTYPE, 0


def sparse(info: tarfile.TarInfo) -> None:
    if info.name == "storages":
        info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50), "GNU.sparse.numblocks": "1"}


@pytest.mark.parametrize("change", [linked, folded, sparse])
def test_member_that_is_no_plain_file_is_refused(tmp_path: Path, change: Callable[[tarfile.TarInfo], None]):
    assert "its member storages is not a plain file" in refused(STATE_DICT, tarred(tmp_path, parts(), change))


def test_member_that_is_there_twice_is_refused(tmp_path: Path):
    path = tarred(tmp_path, parts())
    with tarfile.open(path, "a:") as archive:
        archive.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    assert "it has two members pickle" in refused(STATE_DICT, path)


@pytest.mark.parametrize("end", [700, 1600, 2200, 4200])
def test_tar_that_ends_early_is_refused(tmp_path: Path, end: int):
    path = tarred(tmp_path, parts())
    path.write_bytes(path.read_bytes()[:end])
    refused(STATE_DICT, path)


# -- the other containers, made to do harm --------------------------------------------------------------------------


def stream(content: bytes) -> bytes:
    """Return a stream of pickles whose object is ``content``."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = [0x1950A86A20F9469CFC6C, 1001, system]
    return b"".join(pickle.dumps(item, protocol=2) for item in head) + content + pickle.dumps([], protocol=2)


HOSTILE_PICKLES = {
    "persistent id that is no tuple": b"\x80\x02K\x01Q.",  # an AssertionError of torch's
    "memo that was not made": b"\x80\x02h\x05.",  # a KeyError
    "empty stack": b"\x80\x02.",  # an IndexError
    "text of gigabytes": b"\x80\x02X\xff\xff\xff\xffabc.",
    "memo without end": b"\x80\x02}r\xff\xff\xff\x7fK\x01s.",
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE_PICKLES)
@pytest.mark.parametrize("format", [STATE_DICT, MODULE])
@pytest.mark.parametrize("container", ["pickle", "zip"])
def test_pickle_that_is_made_to_do_harm_is_one_error(tmp_path: Path, what: str, format: str, container: str):
    path, content = tmp_path / "weights.pth", HOSTILE_PICKLES[what]
    if container == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("weights/data.pkl", content)
            archive.writestr("weights/version", "3\n")
    else:
        path.write_bytes(stream(content))
    refused(format, path, "ssd_resnet34" if format == MODULE else "digits")


@pytest.mark.parametrize("container", ["zip", "pickle"])
def test_code_in_a_state_dict_is_not_run(tmp_path: Path, container: str):
    CONTAINERS[container]({"a": Touched(tmp_path / "ran")}, tmp_path / "weights.pth")
    told = refused(STATE_DICT, tmp_path / "weights.pth")
    assert "it names io.open, which a state dict does not need; no code was run" in told
    assert not (tmp_path / "ran").exists()


def test_zip_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "weights.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data.pkl", bytes(10_000_000))
        archive.writestr("weights/version", "3\n")
    assert "its members are larger than the file" in refused(STATE_DICT, tmp_path / "weights.pth")


# -- files given as something that they are not ---------------------------------------------------------------------


def state_in(container: str) -> Callable[[Path, Path], None]:
    return lambda path, _: CONTAINERS[container](digits().state_dict(), path)


def script(path: Path, ran: Path) -> None:
    torch.jit.script(Writes(str(ran))).save(str(path))


class Writes(torch.nn.Module):
    """As TorchScript, it writes a file whenever it is loaded."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path, self.training = state
        torch.save(torch.zeros(1), self.path)


def network(path: Path, _: Path, *, is_zip: bool) -> None:
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=is_zip)


WRONG = [
    (script, STATE_DICT, "the file is TorchScript, written by torch.jit.save, the facts of the model state pytorch-"),
    (script, MODULE, "the file is TorchScript, written by torch.jit.save, the facts of the model state pytorch-"),
    (state_in("zip"), SCRIPT, "as since torch 1.6), the facts of the model state torchscript"),
    (state_in("pickle"), SCRIPT, "as from torch 0.1.10 to 1.5), the facts of the model state torchscript"),
    (state_in("tar"), SCRIPT, "as before torch 0.1.10), the facts of the model state torchscript"),
    (state_in("zip"), MODULE, "the file contains no pickled network"),
    (state_in("pickle"), MODULE, "the file contains no pickled network"),
    (state_in("tar"), MODULE, "as before torch 0.1.10), the facts of the model state pytorch-pickled-module"),
    (lambda path, _: network(path, _, is_zip=True), STATE_DICT, "it names torch.nn.modules.linear.Linear, which a"),
    (lambda path, _: network(path, _, is_zip=False), STATE_DICT, "it names torch.nn.modules.linear.Linear, which a"),
]


@pytest.mark.parametrize(("write", "format", "told"), WRONG)
def test_file_given_as_another_format_is_named_and_not_run(
    tmp_path: Path, write: Callable[[Path, Path], None], format: str, told: str
):
    write(tmp_path / "file", tmp_path / "ran")
    shown = refused(format, tmp_path / "file", "ssd_resnet34" if format == MODULE else "digits")
    assert told in shown
    assert "fix:" in shown
    assert not (tmp_path / "ran").exists()


def test_torchscript_given_as_such_does_run(tmp_path: Path):
    """What the test above would see, if it were run."""
    script(tmp_path / "file", tmp_path / "ran")
    backend.load(model(SCRIPT), str(tmp_path / "file"), 1)
    assert (tmp_path / "ran").exists()


NO_FILES_OF_TORCH = {
    "page": (b"<!DOCTYPE html><html>Not found</html>", "a web page (HTML)"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 102502400\n", "a Git LFS pointer"),
    "empty": (b"", "it is empty"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(60), "a gzip archive"),
    "pickle": (pickle.dumps({"a": 1}, protocol=2), "a Python pickle"),
    "zip": (b"PK\x03\x04" + bytes(60), "a zip archive"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + bytes(60), "the file was not written by torch"),
}


@pytest.mark.parametrize("what", NO_FILES_OF_TORCH)
@pytest.mark.parametrize("format", [STATE_DICT, MODULE, SCRIPT])
def test_file_that_torch_did_not_write_is_named(tmp_path: Path, what: str, format: str):
    content, told = NO_FILES_OF_TORCH[what]
    (tmp_path / "file").write_bytes(content)
    shown = refused(format, tmp_path / "file", "ssd_resnet34" if format == MODULE else "digits")
    assert "the file was not written by torch" in shown
    assert told in shown


@pytest.mark.parametrize("format", [STATE_DICT, MODULE, SCRIPT])
def test_tar_of_something_else_is_named(tmp_path: Path, format: str):
    path = tarred(tmp_path, {"weights": b"1", "pickle": b"2"})
    assert "a tar archive" in refused(format, path, "ssd_resnet34" if format == MODULE else "digits")


@pytest.mark.parametrize("format", [STATE_DICT, MODULE, SCRIPT])
@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_zip_that_ends_early_is_refused(tmp_path: Path, format: str, kept: float):
    path = tmp_path / "file"
    state_in("zip")(path, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert "the file was not written by torch" in refused(
        format, path, "ssd_resnet34" if format == MODULE else "digits"
    )
