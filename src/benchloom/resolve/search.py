"""resolvelib's search with bounded memory.

It overrides a private method of resolvelib, so ``pyproject.toml`` pins the tested versions.
"""

from resolvelib.resolvers import Resolution

from benchloom.resolve.provider import Answer, Need


class Search(Resolution[Need, Answer, str]):
    """A search that keeps each refused candidate once."""

    def _patch_criteria(self, incompatibilities_from_broken: list[tuple[str, list[Answer]]]) -> bool:
        """Take over the candidates that an abandoned state refused, without duplicates.

        resolvelib would concatenate two nearly equal lists at every backtracking step, so that they grow without bound
        in a long search.
        """
        fresh = []
        for identifier, refused in incompatibilities_from_broken:
            criterion = self.state.criteria.get(identifier)
            known = set(criterion.incompatibilities) if criterion else set()
            fresh.append((identifier, [answer for answer in dict.fromkeys(refused) if answer not in known]))
        return super()._patch_criteria(fresh)
