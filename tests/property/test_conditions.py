"""Laws of conditions: they are made of words, and order, repetition and case of those never matter."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from benchloom.model.component import Condition
from benchloom.resolve.conditions import holds

WORDS = st.sampled_from(["", "yes", "ON", "1", "no", "Off", "0", "cpu", "CPU", "gpu", "<<<X>>>"])
KEYS = st.sampled_from("XYZ")
ENVS = st.dictionaries(KEYS, WORDS)
TABLES = st.dictionaries(KEYS, st.lists(WORDS, max_size=3).map(tuple), max_size=3)
CONDITIONS = st.builds(
    Condition,
    convention=st.sampled_from(["ck", "cm"]),
    alternatives=st.lists(TABLES, max_size=3).map(tuple),
    any=st.booleans(),
    negate=st.booleans(),
)


def _of_words(condition: Condition, env: Mapping[str, str]) -> bool:
    """Return the truth of a condition from the truths of its single words."""
    over_keys = any if condition.any and condition.convention == "cm" else all

    def single(key: str, word: str) -> bool:
        return holds(replace(condition, alternatives=({key: (word,)},), negate=False), env)

    truth = any(
        over_keys(any(single(key, word) for word in words) for key, words in table.items())
        for table in condition.alternatives
    )
    return truth != condition.negate


@given(CONDITIONS, ENVS)
def test_condition_is_any_of_its_tables_all_or_any_of_their_keys_any_of_their_words(
    condition: Condition, env: dict[str, str]
):
    assert holds(condition, env) == _of_words(condition, env)


@given(CONDITIONS, ENVS)
def test_negated_condition_holds_where_the_condition_does_not(condition: Condition, env: dict[str, str]):
    assert holds(replace(condition, negate=not condition.negate), env) != holds(condition, env)


@given(CONDITIONS, ENVS)
def test_order_does_not_matter(condition: Condition, env: dict[str, str]):
    turned = tuple(
        {key: words[::-1] for key, words in reversed(table.items())} for table in reversed(condition.alternatives)
    )
    assert holds(replace(condition, alternatives=turned), env) == holds(condition, env)


@given(CONDITIONS, ENVS)
def test_variables_that_a_condition_does_not_name_do_not_matter(condition: Condition, env: dict[str, str]):
    named = {key for table in condition.alternatives for key in table}
    assert holds(condition, {key: text for key, text in env.items() if key in named}) == holds(condition, env)


@given(CONDITIONS.filter(lambda item: item.convention == "cm"), ENVS)
def test_case_does_not_matter_to_cm(condition: Condition, env: dict[str, str]):
    lower = tuple(
        {key: tuple(word.lower() for word in words) for key, words in table.items()} for table in condition.alternatives
    )
    shouted = {key: text.upper() for key, text in env.items()}
    assert holds(replace(condition, alternatives=lower), shouted) == holds(condition, env)


@given(CONDITIONS.filter(lambda item: item.convention == "ck"), ENVS)
def test_variable_that_is_not_there_is_empty_to_ck(condition: Condition, env: dict[str, str]):
    assert holds(condition, {**dict.fromkeys("XYZ", ""), **env}) == holds(condition, env)
