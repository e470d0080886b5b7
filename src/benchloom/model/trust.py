"""Files whose format can carry code, and what lets one be opened."""

from benchloom.errors import InputError
from benchloom.model.facts import Model

# What torch.save makes of a whole network: beside its weights, the names of the classes that it is an object of.
PICKLED_MODULE = "pytorch-pickled-module"


def refuse_untrusted(model: Model, digest: str, where: str, *, is_trusted: bool) -> None:
    """Raise InputError where nobody vouches for a pickled module: no digest of its file is stated (``digest`` is ''), nor does the user."""
    if model.format != PICKLED_MODULE or digest or is_trusted:
        return
    raise InputError(
        f"{model.name} is a pickled module, and no digest says that its file is the one that was published",
        where=where,
        why=["a pickle can name code to run; only the classes of the network's architecture are read from it here"],
        fix="state the digest of a file that you know in the component, or open it all the same with --trust",
    )
