"""Explain conflicting requirements: who requires what, from which file and key, and one possible fix."""

from collections.abc import Iterable, Mapping, Sequence

from benchloom.base.names import did_you_mean
from benchloom.errors import ResolutionError
from benchloom.model.component import Requirement
from benchloom.model.query import Query
from benchloom.resolve.fitting import FITS, demanded
from benchloom.resolve.options import ANSWERING_KINDS, Examiner, Refusal, merged
from benchloom.resolve.provider import requirements_of
from benchloom.resolve.reasons import shortened

MOST_LINES = 6


def explain_conflict(by_role: Mapping[str, Sequence[Requirement]], family: str, examiner: Examiner) -> ResolutionError:
    """Explain why the requirements in ``by_role`` cannot all be satisfied.

    ``family`` is the one that two roles need in different configurations, or ''. ``examiner`` uses the Python mode
    of the last attempt.
    """
    facts = _Facts(by_role, family, examiner)
    roles = sorted(by_role)
    return ResolutionError(
        facts.headline(),
        where=f"role{'s' if len(roles) > 1 else ''} {', '.join(roles)}",
        why=[*facts.needs(), *facts.refused(), *facts.hints()],
        fix=facts.fix(),
        details={
            "roles": roles,
            "requirements": [
                {"role": item.role, "requirer": item.requirer, "query": asked(item), "where": item.where}
                for role in roles
                for item in by_role[role]
            ],
        },
    )


def asked(requirement: Requirement) -> str:
    """Return the query of ``requirement`` for messages."""
    facts = f"one that {demanded(requirement)}" if requirement.facts else ""
    return ",".join(word for word in (requirement.only, str(requirement.query), facts) if word) or "anything"


class _Facts:
    """The facts of one conflict; each method returns one part of the message."""

    def __init__(self, by_role: Mapping[str, Sequence[Requirement]], family: str, examiner: Examiner) -> None:
        self.roles = {role: sorted(items, key=lambda r: (r.requirer, r.where)) for role, items in by_role.items()}
        self.family = family
        self.examiner = examiner
        either = Examiner(examiner.universe, examiner.host, examiner.overrides, "either")
        self.refusals = {
            role: (*_unmet(items, examiner), *_refusals(items, examiner, either)) for role, items in self.roles.items()
        }
        self.everything = [item for role in sorted(self.roles) for item in self.roles[role]]
        self.unknown = _unknown_tag(self.everything, examiner)

    def headline(self) -> str:
        if self.family:
            roles = " and ".join(sorted(self.roles))
            return f"{self.family} can be in a plan only once, but {roles} need different ones"
        role = min(self.roles)
        query = ",".join(dict.fromkeys([*(item.only for item in self.roles[role] if item.only), *self._words(role)]))
        if not self.refusals[role]:
            return f"no component matches {query}, required as {role}"
        if all(item.kind == "range" for item in self.refusals[role]):
            return f"no version of {role} satisfies {merged(self.roles[role]).version}"
        return f"no component that matches {query} can be {role}"

    def _words(self, role: str) -> list[str]:
        query = merged(self.roles[role])
        return [word for word in [str(query)] if word]

    def needs(self) -> list[str]:
        lines: dict[str, list[Requirement]] = {}
        for item in self.everything:
            as_role = f" as {item.role}" if len(self.roles) > 1 or item.facts else ""
            words = f"{asked(item)}{_with(item.env)}{as_role}"
            lines.setdefault(words if item.facts else f"{words} {item.requirer} {item.where}", []).append(item)
        return [self._need(items) for items in lines.values()]

    def _need(self, items: Sequence[Requirement]) -> str:
        """One line for a requirement, or for all that demand the same facts, as every model of a format does."""
        item = items[0]
        as_role = f" as {item.role}" if len(self.roles) > 1 or item.facts else ""
        what = f"{asked(item)}{_with(item.env)}{as_role}"
        if len(items) > 1:
            return f"{shortened([one.requirer for one in items])} need {what}"
        return f"{item.requirer} needs {what}" + (f" ({item.where})" if item.where else "")

    def refused(self) -> list[str]:
        if self.family:
            return [f"{role} can be {shortened(self._answers(role))}" for role in sorted(self.roles)]
        lines = list(dict.fromkeys(line for role in sorted(self.roles) for line in _refused(self.refusals[role])))
        more = len(lines) - MOST_LINES
        return [*lines[:MOST_LINES], f"and {more} more"] if more > 0 else lines

    def _answers(self, role: str) -> list[str]:
        found = [item.candidate for item in self.examiner.examine(self.roles[role]).options]
        return list(dict.fromkeys(item.label.rpartition(" (")[0] for item in found))

    def hints(self) -> list[str]:
        if self.unknown:
            return [f"no component has the tag {self.unknown!r}"]
        if self.family or any(self.refusals.values()):
            return []
        return [line for role in sorted(self.roles) for line in self._nearest(role)]

    def _nearest(self, role: str) -> list[str]:
        """Name the closest components, and the tags that each lacks or that are excluded."""
        query = merged(self.roles[role])
        by_program = {tag for item in self.roles[role] if _is_program(item) for tag in item.query.tags}
        found = []
        for item in self.examiner.universe.components:
            lacking = sorted(set(query.tags) - item.names)
            excluded = sorted(item.own_names & set(query.without))
            if item.kind in ANSWERING_KINDS and len(lacking) + len(excluded) <= max(1, len(query.tags) // 2):
                form = f" (its format is {item.model.format})" if item.model and by_program.issuperset(lacking) else ""
                words = [f"lacks {', '.join(lacking)}{form}"] if lacking else []
                about = f" ({item.summary})" if item.summary else ""
                words += [f"has {', '.join(excluded)}, which is excluded{about}"] if excluded else []
                found.append((len(lacking) + len(excluded), item.ref, " and ".join(words)))
        return [f"{ref} {words}" for _, ref, words in sorted(found)[:3] if words]

    def fix(self) -> str:  # noqa: PLR0911 - one for each kind of conflict
        if self.unknown:
            known = {name for item in self.examiner.universe.components for name in item.names}
            return did_you_mean(self.unknown, known) or "list the known tags: loom find"
        if takers := self._other_programs():
            return f"choose a program that accepts it: {shortened(takers)}"
        ranged = [item for item in self.everything if item.query.version]
        chooser = next((i for i in self.everything if i.query.variations or i.query.without_variations), None)
        kinds = {item.kind for items in self.refusals.values() for item in items}
        if len(ranged) > 1:
            return f"relax one of the ranges, for instance @{ranged[-1].query.version}{_place(ranged[-1])}"
        if ranged and kinds == {"range"}:
            return f"request a version other than @{ranged[0].query.version}{_place(ranged[0])}"
        if ranged and "unknown-version" in kinds:
            return f"state the component's version, or remove @{ranged[0].query.version}{_place(ranged[0])}"
        if "misfit" in kinds and (demand := next((item for item in self.everything if item.facts), None)):
            fit = FITS[min(demand.facts)]
            return f"choose another {fit.by} or another {fit.role}, for instance with --dep_add_tags.{fit.by}=TAGS"
        if kinds == {"by-hand"}:
            return "obtain it as described"
        if "foreign" in kinds:
            return "use the tool that it was written for (ck, cm or mlc), or choose another component that matches"
        if "need" in kinds:
            other = f", or choose without {_variations(chooser.query)}{_place(chooser)}" if chooser else ""
            return f"provide its requirements{other}"
        if "absent" in kinds:
            return "install it on this machine, name its location (a data set: --dataset_path=DIR), or add a package for it"
        if chooser is not None:
            return f"choose other variations than {_variations(chooser.query)}{_place(chooser)}"
        return f"change the request{_place(self.everything[-1])}, or list the components: loom find"

    def _other_programs(self) -> list[str]:
        """Return the programs that accept what conflicts with this program's own requirement on one role."""
        role = min(self.roles)
        asked_for = [item for item in self.roles[role] if not _is_program(item)]
        kinds = {item.kind for item in self.refusals[role]}
        if (
            len(self.roles) > 1
            or not kinds <= {"random-weights"}
            or not asked_for
            or len(asked_for) == len(self.roles[role])
        ):
            return []
        return [
            item.ref
            for item in self.examiner.universe.components
            if item.program
            and any(need.role == role and self.examiner.examine([need, *asked_for]).options for need in item.requires)
        ]


def _is_program(requirement: Requirement) -> bool:
    return requirement.requirer.startswith("program:")


def _with(env: Mapping[str, str]) -> str:
    return f" with {', '.join(f'{key}={text}' for key, text in sorted(env.items()))}" if env else ""


def _place(requirement: Requirement) -> str:
    return f" in {requirement.where}" if requirement.where else " on the command line"


def _variations(query: Query) -> str:
    return ",".join([*(f"_{name}" for name in query.variations), *(f"-_{name}" for name in query.without_variations)])


def _unmet(requirements: Sequence[Requirement], examiner: Examiner) -> list[Refusal]:
    """Candidates that match but whose own requirements cannot be satisfied."""
    found = []
    for option in examiner.examine(requirements).options:
        for need in requirements_of(option, examiner.overrides):
            answers = examiner.examine([need])
            if not need.optional and not answers.options:
                why = (
                    "; ".join(f"{item.component}: {item.reason}" for item in answers.refusals[:2])
                    or "there is no candidate"
                )
                reason = f"it needs {asked(need)} as {need.role} ({why})"
                found.append(Refusal(component=option.component.ref, reason=reason, kind="need"))
    return found


def _refusals(requirements: Sequence[Requirement], examiner: Examiner, either: Examiner) -> tuple[Refusal, ...]:
    """Prefer reasons about a Python library itself to reasons about its origin."""
    real = either.examine(requirements)
    fitting = {option.component.ref for option in real.options}
    rest = [item for item in examiner.examine(requirements).refusals if item.component in fitting]
    seen = {item.component for item in real.refusals}
    return tuple(
        sorted(
            {*real.refusals, *(item for item in rest if item.component not in seen)},
            key=lambda item: (item.component, item.reason),
        )
    )


def _refused(refusals: Iterable[Refusal]) -> list[str]:
    """One line per component: versions outside the range together, any other reason separately."""
    lines: list[str] = []
    versions: dict[str, list[str]] = {}
    for item in refusals:
        if item.kind == "range":
            versions.setdefault(item.component, []).append(item.version)
        else:
            lines.append(f"{item.component}: {item.reason}")
    have = [f"{component} has {shortened(found, 6)}" for component, found in versions.items()]
    return [*have, *lines]


def _unknown_tag(requirements: Iterable[Requirement], examiner: Examiner) -> str:
    tags = dict.fromkeys(tag for item in requirements for tag in item.query.tags)
    names = [item.names for item in examiner.universe.components]
    return next((tag for tag in tags if not any(tag in known for known in names)), "")
