#!/usr/bin/env bash
# Starts Benchloom in the Python given first if that one can run it, else in the environment of the checkout.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$1
shift
engine=${PYTHONPATH:-} # of an installed package: its source does not lie beside its components
if [ -d "$root/src" ]; then
  engine=$root/src
fi
if PYTHONPATH=$engine "$python" -c 'import benchloom.app.ck, benchloom.cli.common' 2>/dev/null; then
  PYTHONPATH=$engine exec "$python" -m benchloom "$@"
fi
if [ -f "$root/loom" ]; then
  exec "$python" "$root/loom" "$@"
fi
echo "benchloom: the Python that runs ck has no Benchloom; fix: $python -m pip install benchloom" >&2
exit 3
