"""Results of a run that measured nothing yet: tests replace what they are about."""

from benchloom.model.record import RESULTS_SCHEMA, Results

RESULTS = Results(
    schema=RESULTS_SCHEMA,
    task="image-classification",
    model="digits",
    dataset="dataset:digits-val",
    backend="onnxruntime",
    scenario="SingleStream",
    mode="both",
    ruleset="quick",
    submission_valid=False,
    accuracy=None,
    performance=None,
    settings={},
    versions={},
    notes=(),
)
