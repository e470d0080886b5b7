"""Files that can carry code are opened only if somebody vouches for them."""

import pytest

from benchloom.errors import InputError
from benchloom.model.facts import Model
from benchloom.model.trust import PICKLED_MODULE, TORCHSCRIPT, refuse_untrusted


def model(format: str) -> Model:
    return Model(name="network", task="image-classification", format=format, precision="fp32", inputs=(), outputs=())


@pytest.mark.parametrize(
    ("format", "told"), [(PICKLED_MODULE, "network is a pickled module"), (TORCHSCRIPT, "network is TorchScript")]
)
def test_file_that_can_carry_code_needs_a_digest_or_trust(format: str, told: str):
    with pytest.raises(InputError, match=told) as caught:
        refuse_untrusted(model(format), "", "model.pt", is_trusted=False)
    assert (caught.value.where, "--trust" in caught.value.fix) == ("model.pt", True)
    refuse_untrusted(model(format), "sha256:00", "model.pt", is_trusted=False)
    refuse_untrusted(model(format), "", "model.pt", is_trusted=True)


@pytest.mark.parametrize("format", ["onnx", "pytorch-state-dict", "tflite"])
def test_file_of_numbers_needs_neither(format: str):
    refuse_untrusted(model(format), "", "model.pt", is_trusted=False)
