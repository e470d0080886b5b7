#!/usr/bin/env bash
# Starts Benchloom in the Python given first where that one can run it, else in the environment of the checkout.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$1
shift
if PYTHONPATH="$root/src" "$python" -c 'import benchloom.app.ck, benchloom.cli.common' 2>/dev/null; then
  PYTHONPATH="$root/src" exec "$python" -m benchloom "$@"
fi
exec "$python" "$root/loom" "$@"
