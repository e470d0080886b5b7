"""The repository that the engine comes with, and who may write there."""

from pathlib import Path

import benchloom
from benchloom.errors import InputError, InstallError

_INSTALLED = "repository"  # where a wheel has the components, below the package


def built_in_repository() -> Path:
    """Return the repository this engine comes with: in an installed package its folder ``repository``, else the checkout.

    Raises InstallError if it has neither: a copy of the modules alone has no components, and the folder above it is anybody's.
    """
    package = _package()
    for root in (package / _INSTALLED, package.parents[1]):
        if (root / ".ckr.json").is_file():
            return root
    raise InstallError(
        "Benchloom is installed without its components",
        where=str(package),
        fix="install it again (pip install --force-reinstall benchloom), or run ./loom in a checkout",
    )


def is_checkout() -> bool:
    """Tell whether the engine runs from a checkout, which is there to be changed, rather than from an installed package."""
    return built_in_repository() != _package() / _INSTALLED


def refuse_installed(folder: Path) -> None:
    """Raise InputError if ``folder`` lies in the repository of an installed package: only an upgrade may write there."""
    root = built_in_repository()
    if not is_checkout() and folder.expanduser().resolve().is_relative_to(root):
        raise InputError(
            "the components of an installed Benchloom cannot be changed",
            where=str(root),
            why=["they belong to the package, and its next upgrade would replace what is written there"],
            fix="name a repository of your own, or work in a checkout",
        )


def _package() -> Path:
    return Path(benchloom.__file__).resolve().parent
