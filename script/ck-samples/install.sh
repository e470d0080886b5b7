#!/usr/bin/env bash
# Prepares the samples of the data set that ck chose, in Benchloom's store, where a run finds them; INSTALL_DIR gets only their facts.
set -euo pipefail
adapter=$(dirname "${BASH_SOURCE[0]}")/../ck-adapter

"$adapter/benchloom.sh" "${CK_PYTHON:-python3}" ck script:preprocess-images \
  --dep_add_tags.profile="$LOOM_SAMPLES_PROFILE" --dep_add_tags.dataset="$LOOM_SAMPLES_DATASET" \
  --dataset_path="$CK_ENV_DATASET_ROOT" --prefix="$INSTALL_DIR"
