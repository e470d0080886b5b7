"""TOML as the standard library reads it; before Python 3.11, the library that it came from does."""

import sys

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from tomli import loads

__all__ = ["loads"]
