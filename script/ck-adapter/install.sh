#!/usr/bin/env bash
# Brings the package that ck chose into being in Benchloom's store; INSTALL_DIR gets only the facts of it.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/benchloom.sh" "${CK_PYTHON:-python3}" \
  ck "package:$(basename "$ORIGINAL_PACKAGE_DIR")${LOOM_VARIATIONS:+,$LOOM_VARIATIONS}${PACKAGE_VERSION:+,@$PACKAGE_VERSION}" \
  --repository="$(dirname "$(dirname "$ORIGINAL_PACKAGE_DIR")")" --prefix="$INSTALL_DIR" --quiet
