"""Laws of versions, ranges and queries."""

from hypothesis import given
from hypothesis import strategies as st

from benchloom.model.query import Query, parse_query
from benchloom.model.version import parse_range, version_key

VERSIONS = st.from_regex(r"[vr]?[0-9]{1,3}([.\-_+]?([0-9]{1,3}|a|b|rc|dev|git|opset)){0,4}", fullmatch=True)
CLAUSES = st.builds(str.__add__, st.sampled_from([">=", "<=", "==", "!=", "~=", ">", "<", ""]), VERSIONS)
RANGES = st.lists(CLAUSES, max_size=3).map(",".join)
WORDS = st.from_regex(r"(-|_|-_)?[a-z][a-z0-9.#]{0,4}", fullmatch=True)
QUERIES = st.tuples(st.lists(WORDS, max_size=5).map(",".join), RANGES.map(lambda text: f"@{text}" if text else "")).map(
    lambda parts: ",".join(part for part in parts if part)
)


def _parsed(text: str) -> Query | None:
    words = set(text.split(","))
    if any(f"-{word}" in words for word in words):
        return None
    return parse_query(text)


@given(VERSIONS, VERSIONS)
def test_order_is_total_and_ranges_follow_it(one: str, two: str):
    first, second = version_key(one), version_key(two)
    assert (first < second) + (first == second) + (first > second) == 1
    assert parse_range(f">={two}").admits(one) == (first >= second)
    assert parse_range(f"<={two}").admits(one) == (first <= second)
    assert parse_range(f"=={two}").admits(one) != parse_range(f"!={two}").admits(one)
    if parse_range(f"<{two}").admits(one):
        assert first < second


@given(RANGES, VERSIONS)
def test_range_text_is_a_fixed_point_that_admits_the_same(text: str, version: str):
    parsed = parse_range(text)
    again = parse_range(str(parsed))

    assert again == parsed
    assert again.admits(version) == parsed.admits(version)
    assert parsed.admits(version) == (not parsed.broken_by(version))


@given(QUERIES)
def test_query_text_parses_to_the_same_query(text: str):
    query = _parsed(text)
    if query is not None:
        assert parse_query(str(query)) == query


@given(QUERIES, QUERIES, QUERIES)
def test_merging_is_commutative_associative_and_idempotent(one: str, two: str, three: str):
    parsed = [_parsed(text) for text in (one, two, three)]
    if None in parsed:
        return
    a, b, c = (query for query in parsed if query is not None)

    assert a.merged(b) == b.merged(a)
    assert a.merged(b).merged(c) == a.merged(b.merged(c))
    assert a.merged(a) == a
