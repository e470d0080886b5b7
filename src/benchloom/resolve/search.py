"""resolvelib's search, bounded in memory.

It overrides a method that resolvelib does not publish, so ``pyproject.toml`` names the versions that were tried.
"""

from resolvelib.resolvers import Resolution

from benchloom.resolve.provider import Answer, Need


class Search(Resolution[Need, Answer, str]):
    """A search that lists once what it has refused."""

    def _patch_criteria(self, incompatibilities_from_broken: list[tuple[str, list[Answer]]]) -> bool:
        """Take over what an abandoned state has refused, without what the state before it has refused already.

        resolvelib would join the two lists, which hold nearly the same, with every step back: in a long search they grow
        beyond all bounds.
        """
        fresh = []
        for identifier, refused in incompatibilities_from_broken:
            criterion = self.state.criteria.get(identifier)
            known = set(criterion.incompatibilities) if criterion else set()
            fresh.append((identifier, [answer for answer in dict.fromkeys(refused) if answer not in known]))
        return super()._patch_criteria(fresh)
