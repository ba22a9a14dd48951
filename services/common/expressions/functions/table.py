"""What a function of the language is, and how it enters the one table of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

Apply = Callable[..., Any]
SomeApply = TypeVar("SomeApply", bound=Apply)
# Given the literal values of a call's arguments (None where one is not literal): what is wrong with them, as
# (number of the argument, code, message, suggestion), or None.
Literals = tuple[Any, ...]
Check = Callable[[Literals], "tuple[int, str, str, str] | None"]

_SIGNATURE = re.compile(r"([A-Z]+)\((.*)\) -> (.+)")
_PARAMETER = re.compile(r"(\w+)(\?|\*|\+)?: (.+)")
FAMILIES = ("logic", "number", "text", "date", "list", "lookup", "check")


@dataclass(frozen=True)
class Parameter:
    """A parameter. `types` are the types that it takes: names, `T` (the same wherever it stands), `list(…)`.

    `row` marks an expression that is computed for each row of the list before it.
    """

    name: str
    types: tuple[str, ...]
    optional: bool = False
    repeated: bool = False
    row: bool = False


@dataclass(frozen=True)
class Function:
    """A function: its signature, what it means in both languages, an example, and what computes it in Python.

    `strict`: with an argument of null the result is null, or false where the function answers yes or no;
    other functions give null a meaning of their own. `runs`: `apply` gets the `Run` first. `by_row`: the
    expression in the second argument is computed for each row, and `apply` gets the pairs (item, its value).
    """

    name: str
    family: str
    parameters: tuple[Parameter, ...]
    returns: str
    zh: str
    en: str
    example: str
    result: str
    apply: Apply
    strict: bool = True
    runs: bool = False
    by_row: bool = False
    check: Check | None = field(default=None, compare=False)

    @property
    def signature(self) -> str:
        """The signature as people read it: `ROUND(number, digits?)`."""
        marks = [
            each.name + ("?" if each.optional else "") + (", ..." if each.repeated else "")
            for each in self.parameters
        ]
        return f"{self.name}({', '.join(marks)})"

    def parameters_of(self, count: int) -> list[Parameter] | None:
        """The parameter of each of `count` arguments; None when there must be more, or fewer."""
        if self.name in _PAIRED:
            return _PAIRED[self.name](self.parameters, count)
        least = sum(not each.optional for each in self.parameters)
        repeated = self.parameters[-1].repeated if self.parameters else False
        if count < least or (count > len(self.parameters) and not repeated):
            return None
        more = [self.parameters[-1]] * (count - len(self.parameters)) if repeated else []
        return [*self.parameters[:count], *more]


def _ifs(parameters: tuple[Parameter, ...], count: int) -> list[Parameter] | None:
    return list(parameters) * (count // 2) if count >= 2 and count % 2 == 0 else None


def _switch(parameters: tuple[Parameter, ...], count: int) -> list[Parameter] | None:
    subject, case, result, otherwise = parameters
    if count < 3:
        return None
    pairs = [case, result] * ((count - 1) // 2)
    return [subject, *pairs, *([otherwise] if count % 2 == 0 else [])]


_PAIRED: dict[str, Callable[[tuple[Parameter, ...], int], list[Parameter] | None]] = {
    "IFS": _ifs,
    "SWITCH": _switch,
}

FUNCTIONS: dict[str, Function] = {}


def define(
    family: str,
    signature: str,
    zh: str,
    en: str,
    example: str,
    result: str,
    *,
    strict: bool = True,
    runs: bool = False,
    by_row: bool = False,
    check: Check | None = None,
) -> Callable[[SomeApply], SomeApply]:
    """Put the decorated function into the table.

    `signature` is `NAME(name: type, name?: type | type, name+: type) -> type`; `?` optional, `+` once or
    more, `row type` an expression for each row. `result` is the text of what the example gives.
    """
    matched = _SIGNATURE.fullmatch(signature)
    if matched is None or family not in FAMILIES:
        raise ValueError(f"not a signature: {signature}")
    name, written, returns = matched.groups()
    parameters = tuple(_parameter(each) for each in written.split(", ") if each)

    def enter(apply: SomeApply) -> SomeApply:
        if name in FUNCTIONS:
            raise ValueError(f"defined twice: {name}")
        FUNCTIONS[name] = Function(
            name, family, parameters, returns, zh, en, example, result, apply, strict, runs, by_row, check
        )
        return apply

    return enter


def _parameter(written: str) -> Parameter:
    matched = _PARAMETER.fullmatch(written)
    if matched is None:
        raise ValueError(f"not a parameter: {written}")
    name, mark, types = matched.groups()
    row = types.startswith("row ")
    return Parameter(
        name,
        tuple(each.strip() for each in types.removeprefix("row ").split("|")),
        optional=mark == "?",
        repeated=mark == "+",
        row=row,
    )


def whole(value: Decimal) -> int:
    """A number without its decimals, as an int."""
    return int(value)
