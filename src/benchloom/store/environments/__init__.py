"""Python environments: a solver names the distributions, their wheels are entries of the store, an environment links to their files."""
