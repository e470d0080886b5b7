"""Values of inputs, as a program declares them."""

import pytest

from benchloom.errors import InputError
from benchloom.model.component import Input
from benchloom.model.inputs import check_value


def test_value_of_a_switch_is_yes_or_no_and_nothing_else():
    switch = Input(name="deep", summary="s", type="bool")
    assert [check_value(switch, text) for text in ("yes", "TRUE", "no", "off")] == ["yes", "yes", "no", "no"]
    with pytest.raises(InputError, match="'deeply' is not yes or no") as caught:
        check_value(switch, "deeply")
    assert caught.value.where == "--deep"


@pytest.mark.parametrize("declared", [{"minimum": 10}, {"above": 10}, {}])
@pytest.mark.parametrize("type_", ["int", "float"])
def test_value_of_a_secret_number_is_never_shown(type_: str, declared: dict[str, float]):
    secret = Input(name="pin", summary="s", type=type_, secret=True, **declared)
    text = "7" if declared else "7x"
    with pytest.raises(InputError) as caught:
        check_value(secret, text)
    assert text not in "".join([caught.value.what, *caught.value.why, caught.value.fix])


def test_number_stays_as_it_is_written():
    assert check_value(Input(name="n", summary="s", type="float"), "1e3") == "1e3"


def test_place_is_the_flag_unless_another_is_given():
    count = Input(name="count", summary="s", type="int", minimum=1)
    for given, where in (("", "--count"), ("LOOM_INPUT_COUNT", "LOOM_INPUT_COUNT")):
        with pytest.raises(InputError) as caught:
            check_value(count, "0", given)
        assert caught.value.where == where
    with pytest.raises(InputError) as alone:
        check_value(count, "yes")
    assert alone.value.fix == "write --count=VALUE; without a value it means yes"
