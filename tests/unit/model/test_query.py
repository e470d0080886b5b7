import pytest

from benchloom.errors import InputError
from benchloom.model.query import Query, parse_query


def test_parse_query_reads_every_kind_of_word():
    query = parse_query("model,resnet,-int8,_batch.4,-_fp16,@>=1.2,<2")

    assert query == Query(
        tags=("model", "resnet"),
        without=("int8",),
        variations=("batch.4",),
        without_variations=("fp16",),
        version=">=1.2,<2",
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [("@1.2", "==1.2"), ("@<2,>=1.2", ">=1.2,<2"), ("a,@~=1.4,b", "~=1.4"), ("@>1,@<3", ">1,<3"), ("@1,@1", "==1")],
)
def test_parse_query_versions_are_canonical(text: str, version: str):
    assert parse_query(text).version == version


@pytest.mark.parametrize("operator", [">=", "<=", "==", "!=", "~=", ">", "<"])
def test_parse_query_range_goes_on_with_any_operator(operator: str):
    assert parse_query(f"a,@>0,{operator}1.2").tags == ("a",)
    assert f"{operator}1.2" in parse_query(f"a,@>0,{operator}1.2").version.split(",")


def test_query_is_written_as_it_is_read():
    text = "a,b,-c,_d,-_e,@>=1,<2"
    assert str(parse_query("b,@<2,>=1,_d,-_e,-c,a")) == text
    assert str(Query()) == ""


def test_parse_query_equal_questions_are_equal_values():
    assert parse_query("b, a,,a,") == parse_query("a,b")


@pytest.mark.parametrize("text", ["-", "_", "-_", "@", "a b", "@>=", "@=>1", "@1 2"])
def test_parse_query_refuses_what_it_cannot_read(text: str):
    with pytest.raises(InputError) as caught:
        parse_query(text, where="--tags")
    assert caught.value.where == "--tags"
    assert caught.value.fix


@pytest.mark.parametrize("text", ["a,-a", "_x,-_x"])
def test_parse_query_refuses_a_contradiction(text: str):
    with pytest.raises(InputError, match="both asks for and excludes"):
        parse_query(text)


def test_merged_is_the_conjunction_in_any_order():
    one, two = parse_query("a,_x,@>=1"), parse_query("b,-c,@<2")

    assert one.merged(two) == two.merged(one) == parse_query("a,b,-c,_x,@>=1,<2")
    assert one.merged(Query()) == one
    assert parse_query("-_x,-_y").merged(parse_query("-_z")).without_variations == ("x", "y", "z")
