#!/usr/bin/env bash
# Brings the package that ck chose into being in Benchloom's store; INSTALL_DIR gets only the facts of it.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

# With --install_to_env, INSTALL_DIR is an environment tagged tmp that ck leaves behind when an installation fails.
forget() {
  if [[ $? -ne 0 ]] && grep -qsE '[",]tmp"' "$INSTALL_DIR/.cm/meta.json"; then
    rm -r "$INSTALL_DIR"
  fi
}
trap forget EXIT

"$here/benchloom.sh" "${CK_PYTHON:-python3}" \
  ck "package:$(basename "$ORIGINAL_PACKAGE_DIR")${LOOM_VARIATIONS:+,$LOOM_VARIATIONS}${PACKAGE_VERSION:+,@$PACKAGE_VERSION}" \
  --repository="$(dirname "$(dirname "$ORIGINAL_PACKAGE_DIR")")" --prefix="$INSTALL_DIR"
