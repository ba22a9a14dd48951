"""统一社会信用代码: the unified social credit code of GB 32100-2015, and its check character."""

from __future__ import annotations

from services.common.errors import Invalid

LENGTH = 18
# Without I, O, S, V and Z, which are easily misread.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
# 3^i mod 31. 31 is prime and no weight is 0, so every single changed character is found; neighbouring
# weights differ, so every swap of two different neighbours is found as well.
_WEIGHTS = tuple(pow(3, place, 31) for place in range(LENGTH - 1))


def check_character(first: str) -> str:
    """The 18th character that belongs to the first 17; `KeyError` for a character outside the alphabet."""
    total = sum(_VALUE[character] * weight for character, weight in zip(first, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Whether these are 18 characters of the alphabet, the last one being the right check character."""
    if len(code) != LENGTH or any(character not in _VALUE for character in code):
        return False
    return check_character(code[:-1]) == code[-1]


def check(text: str) -> str:
    """The code in capitals without surrounding blanks; `Invalid` says in Chinese what is wrong with it."""
    code = text.strip().upper()
    if len(code) != LENGTH:
        raise Invalid(f"统一社会信用代码应为 {LENGTH} 位", code="uscc_length")
    if any(character not in _VALUE for character in code):
        raise Invalid("统一社会信用代码只能包含数字和大写字母 (不含 I、O、S、V、Z)", code="uscc_character")
    if not is_valid(code):
        raise Invalid("统一社会信用代码校验位不正确, 请核对", code="uscc_check_character")
    return code
