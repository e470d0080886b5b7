"""Experiments: which runs are asked for, and what came of each."""

from typing import Literal

from benchloom.model.base import Value
from benchloom.model.record import Results


class RunSpec(Value, frozen=True, kw_only=True):
    """One run that an experiment asks for; equal specs are the same run.

    Attributes:
        target: the program.
        inputs: inputs of the program, over those that the experiment was started with.
        mode: LoadGen's mode; empty for that of the inputs.
        ruleset: the ruleset; empty for that of the inputs.
        repetition: counted from 1; what is to be run twice is two specs.
        tags: tags of the record.
    """

    target: str
    inputs: dict[str, str] = {}
    mode: str = ""
    ruleset: str = ""
    repetition: int = 1
    tags: tuple[str, ...] = ()

    def program_inputs(self) -> dict[str, str]:
        """Return the inputs as the program takes them, mode and ruleset among them."""
        chosen = {"mode": self.mode, "ruleset": self.ruleset}
        return {**self.inputs, **{name: value for name, value in chosen.items() if value}}


class Trial(Value, frozen=True, kw_only=True):
    """A run that was made, as an experiment journals it: enough to judge it when its record is gone.

    Attributes:
        status: whether the program ended well.
        seconds: what the program took; all that the run took if it failed.
        record: the record's file; empty if the run left none.
        reasons: why it failed.
        results: what the program measured.
    """

    spec: RunSpec
    status: Literal["ok", "failed"]
    seconds: float = 0.0
    record: str = ""
    reasons: tuple[str, ...] = ()
    results: Results | None = None
