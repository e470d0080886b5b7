"""Files whose format can contain code, and when they may be opened."""

from benchloom.errors import InputError
from benchloom.model.facts import Model

# What torch.save makes of a whole network: beside its weights, the names of the classes that it is an object of.
PICKLED_MODULE = "pytorch-pickled-module"
# A program with its weights: it may read and write files while it is loaded, and at every call.
TORCHSCRIPT = "torchscript"
_WHY = {
    PICKLED_MODULE: "a pickle can name code to run; only the classes of the network's architecture are read from it here",
    TORCHSCRIPT: "TorchScript is a program, which can write files while it is loaded or run",
}


def refuse_untrusted(model: Model, digest: str, where: str, *, is_trusted: bool) -> None:
    """Raise InputError for an untrusted file whose format can contain code.

    That is, no digest of it is stated (``digest`` is ''), and the user does not trust it.
    """
    if model.format not in _WHY or digest or is_trusted:
        return
    what = "a pickled module" if model.format == PICKLED_MODULE else "TorchScript"
    raise InputError(
        f"{model.name} is {what}, and no digest verifies that its file is the published one",
        where=where,
        why=[_WHY[model.format]],
        fix="state the digest of a trusted file in the component, or open it anyway with --trust",
    )
