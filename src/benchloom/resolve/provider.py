"""The resolvelib provider: roles are filled by candidates, and each family has one candidate per plan.

Two layers of identifiers make CK's and CM's rules exact. ``role:<name>`` collects every requirement on a role, so one
candidate satisfies them all. ``family:<name>`` is pinned by the candidate: two roles that choose the same library must
choose the same version and variations. Scripts are functions: each configuration is a separate family, so they need no
pin.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from resolvelib import AbstractProvider

from benchloom.model.component import Requirement
from benchloom.resolve.conditions import applies
from benchloom.resolve.host import Overrides
from benchloom.resolve.options import Examiner, Option

if TYPE_CHECKING:
    from resolvelib.resolvers import RequirementInformation


class RoleNeed(msgspec.Struct, frozen=True, eq=False):
    """A requirement on a role."""

    requirement: Requirement

    @property
    def identifier(self) -> str:
        """``role:<name>``."""
        return f"role:{self.requirement.role}"


class Pin(msgspec.Struct, frozen=True, eq=False):
    """The requirement of a filled role that its family is exactly this option."""

    option: Option

    @property
    def identifier(self) -> str:
        """``family:<name>``."""
        return f"family:{self.option.candidate.family}"


class RoleAnswer(msgspec.Struct, frozen=True, eq=False):
    """A role with its candidate; ``option`` is None if only optional requirements mention the role."""

    role: str
    option: Option | None

    @property
    def identifier(self) -> str:
        """``role:<name>``."""
        return f"role:{self.role}"


class FamilyMember(msgspec.Struct, frozen=True, eq=False):
    """The one member of a family in the plan."""

    option: Option

    @property
    def identifier(self) -> str:
        """``family:<name>``."""
        return f"family:{self.option.candidate.family}"


Need: TypeAlias = RoleNeed | Pin
Answer: TypeAlias = RoleAnswer | FamilyMember
Information: TypeAlias = "RequirementInformation[Need, Answer]"


class Provider(AbstractProvider[Need, Answer, str]):
    """A deterministic provider: every choice depends only on its arguments and on sorted values.

    Needs and candidates are created once per option: equal ones are the same object, which is cheap to compare and hash
    in a long search. ``asked`` holds the requirements that each role was last examined for, to explain a conflict.
    """

    def __init__(self, examiner: Examiner) -> None:
        self.examiner = examiner
        self.overrides = examiner.overrides
        self.asked: dict[str, list[Requirement]] = {}
        self._answers: dict[tuple[str, Option | None], Answer] = {}
        self._needs: dict[Answer, list[Need]] = {}
        self._satisfied: dict[tuple[Need, Answer], bool] = {}

    def identify(self, requirement_or_candidate: Need | Answer) -> str:
        """Return ``role:…`` or ``family:…``."""
        return requirement_or_candidate.identifier

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Answer],
        candidates: Mapping[str, Iterator[Answer]],
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],
    ) -> tuple[bool, bool, bool, str]:
        """Prefer families (one candidate), then the causes of the last conflict, then roles without a choice, then by name.

        Roles without a choice and their requirements are inevitable, so a conflict there is found before anything else
        is tried.
        """
        is_cause = any(cause.requirement.identifier == identifier for cause in backtrack_causes)
        is_choice = len(list(islice(candidates[identifier], 2))) > 1
        return (identifier.startswith("role:"), not is_cause, is_choice, identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Answer]],
    ) -> Iterable[Answer]:
        """Return the candidates that satisfy every requirement on ``identifier``, best first."""
        needs = list(requirements[identifier])
        if identifier.startswith("family:"):
            pins = [need.option for need in needs if isinstance(need, Pin)]
            found = [self._answer(identifier, pins[0])] if agree(pins) else []
        else:
            found = self._of_role(identifier, [need.requirement for need in needs if isinstance(need, RoleNeed)])
        refused = set(incompatibilities[identifier])
        return [answer for answer in found if answer not in refused] if refused else found

    def _of_role(self, identifier: str, requirements: list[Requirement]) -> list[Answer]:
        self.asked[identifier.partition(":")[2]] = requirements
        if all(item.optional for item in requirements):
            return [self._answer(identifier, None)]
        return [self._answer(identifier, option) for option in self.examiner.examine(requirements).options]

    def _answer(self, identifier: str, option: Option | None) -> Answer:
        """Return the candidate object of ``identifier`` with ``option``."""
        known = self._answers.get((identifier, option))
        if known is None:
            if option is None or identifier.startswith("role:"):
                known = RoleAnswer(role=identifier.partition(":")[2], option=option)
            else:
                known = FamilyMember(option=option)
            self._answers[identifier, option] = known
        return known

    def is_satisfied_by(self, requirement: Need, candidate: Answer) -> bool:
        """Tell whether ``candidate`` satisfies ``requirement``; called for every pair in every round."""
        known = self._satisfied.get((requirement, candidate))
        if known is None:
            known = self._satisfied[requirement, candidate] = self._is_satisfied_by(requirement, candidate)
        return known

    def _is_satisfied_by(self, requirement: Need, candidate: Answer) -> bool:
        if isinstance(requirement, Pin):
            return isinstance(candidate, FamilyMember) and agree([requirement.option, candidate.option])
        if not isinstance(candidate, RoleAnswer):
            return False
        if candidate.option is None:
            return requirement.requirement.optional
        return self.examiner.answers(candidate.option, requirement.requirement)

    def get_dependencies(self, candidate: Answer) -> Iterable[Need]:
        """Return the requirements of a candidate, through the pin of its family if two roles could conflict about it."""
        known = self._needs.get(candidate)
        if known is None:
            known = self._needs[candidate] = self._needs_of(candidate)
        return known

    def _needs_of(self, candidate: Answer) -> list[Need]:
        option = candidate.option
        if option is None:
            return []
        if isinstance(candidate, RoleAnswer) and option.component.kind != "script":
            return [Pin(option)]
        return [RoleNeed(item) for item in requirements_of(option, self.overrides)]


def requirements_of(option: Option, overrides: Overrides) -> tuple[Requirement, ...]:
    """Return the requirements of a configured component that apply in its environment, in order of ``sort``.

    Installed software is not built, so it has no build requirements; its optional requirements stay.
    """
    env = {**option.choice.env, **overrides.env}
    if option.component.program:
        env = {**option.component.program.env, **env, **overrides.inputs}
    is_made = option.candidate.origin != "detected"
    wanted = [item for item in option.choice.requires if (is_made or item.optional) and applies(item, env)]
    return tuple(sorted(wanted, key=lambda item: (item.sort, item.role, str(item.query))))


def agree(options: Sequence[Option]) -> bool:
    """Tell whether all of them are the same member of a family with the same configuration."""
    return all(option.candidate == options[0].candidate and option.choice == options[0].choice for option in options)
