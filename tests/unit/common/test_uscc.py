"""The unified social credit code of GB 32100-2015."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import uscc
from services.common.errors import Invalid

CODES = st.text(uscc.ALPHABET, min_size=17, max_size=17).map(
    lambda first: first + uscc.check_character(first)
)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L"])
def test_published_codes_are_valid(code: str) -> None:
    assert uscc.check(code) == code


def test_blanks_around_and_small_letters_are_accepted() -> None:
    assert uscc.check(" 91350100m000100y43\n") == "91350100M000100Y43"


@given(CODES, st.integers(0, 17), st.sampled_from(uscc.ALPHABET))
def test_every_single_changed_character_is_found(code: str, place: int, other: str) -> None:
    changed = code[:place] + other + code[place + 1 :]
    assert uscc.is_valid(changed) == (changed == code)


@given(CODES, st.integers(0, 16))
def test_every_swap_of_neighbours_is_found(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert uscc.is_valid(swapped) == (swapped == code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "uscc_length"),
        ("91350100M000100Y4", "uscc_length"),
        ("91350100M000100Y430", "uscc_length"),
        ("91350100I000100Y43", "uscc_character"),
        ("９1350100M000100Y43", "uscc_character"),
        ("91350100M000100Y44", "uscc_check_character"),
    ],
)
def test_a_wrong_code_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        uscc.check(text)
    assert refused.value.code == code


@given(st.text(max_size=20))
def test_no_text_makes_the_check_fail_otherwise(text: str) -> None:
    try:
        assert uscc.is_valid(uscc.check(text))
    except Invalid:
        return
