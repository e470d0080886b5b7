#!/usr/bin/env bash
# Prepares the samples of the data set that ck chose, in Benchloom's store, where a run finds them; INSTALL_DIR gets only their facts.
set -euo pipefail
adapter=$(dirname "${BASH_SOURCE[0]}")/../ck-adapter

dataset=(--dep_add_tags.dataset="$LOOM_SAMPLES_DATASET")
if [[ ${LOOM_DATASET_COCO_2017_VAL_FILE:-} != */loom.json ]]; then # else Benchloom has installed it, and finds it by its tags
  dataset+=(--dep_add_tags.dataset="$LOOM_SAMPLES_DETECTED" --dataset_path="$CK_ENV_DATASET_ROOT")
fi

"$adapter/benchloom.sh" "${CK_PYTHON:-python3}" ck script:preprocess-images \
  --dep_add_tags.profile="$LOOM_SAMPLES_PROFILE" "${dataset[@]}" --prefix="$INSTALL_DIR"
