"""The repository that ships with the engine, and whether it may be modified."""

from pathlib import Path

import benchloom
from benchloom.errors import InputError, InstallError

_INSTALLED = "repository"  # where a wheel has the components, below the package


def built_in_repository() -> Path:
    """Return the repository that ships with this engine: the folder ``repository`` of an installed package, else the checkout.

    Raises InstallError if there is neither: a copy of the modules alone has no components, and its parent folder is not
    trusted.
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
    """Tell whether the engine runs from a checkout, which may be modified, rather than from an installed package."""
    return built_in_repository() != _package() / _INSTALLED


def refuse_installed(folder: Path) -> None:
    """Raise InputError if ``folder`` lies in the repository of an installed package: only an upgrade may write there."""
    root = built_in_repository()
    if not is_checkout() and folder.expanduser().resolve().is_relative_to(root):
        raise InputError(
            "the components of an installed Benchloom cannot be changed",
            where=str(root),
            why=["they belong to the package, and its next upgrade would overwrite changes"],
            fix="use your own repository, or work in a checkout",
        )


def _package() -> Path:
    return Path(benchloom.__file__).resolve().parent
