"""Whether a call's arguments are of the types that its function takes, and of which type its result is."""

from __future__ import annotations

from collections.abc import Callable

from services.common.expressions.functions import Function, Parameter
from services.common.expressions.typed import Typed
from services.common.expressions.types import (
    ANY,
    NULL,
    SCALARS,
    SIMPLE,
    Type,
    common,
    fits,
    list_of,
)

Fit = Callable[[Typed, Type, str], Typed]
Wrong = Callable[[Typed, str, str], None]
_VARIABLES = frozenset({"T", "S", "D"})
# MIN and MAX compare; DATEADD moves what lies in time.
_ALLOWED = {
    ("MIN", "T"): frozenset({"number", "date", "datetime"}),
    ("MAX", "T"): frozenset({"number", "date", "datetime"}),
    ("DATEADD", "D"): frozenset({"date", "datetime"}),
}


class Match:
    """One call: binds the type variables of a signature to what its arguments are."""

    def __init__(self, function: Function, parameters: list[Parameter], fit: Fit) -> None:
        self._function = function
        self._parameters = parameters
        self._fit = fit
        self._bound: dict[str, Type] = {}

    def fitted(self, arguments: list[Typed], wrong: Wrong) -> list[Typed]:
        """The arguments as their parameters take them; `wrong` hears of each that does not fit."""
        return [
            self._one(argument, parameter, wrong)
            for argument, parameter in zip(arguments, self._parameters, strict=True)
        ]

    def result(self, arguments: list[Typed]) -> Type:
        """The type of the result."""
        returns = self._function.returns
        if returns == "same":
            return arguments[0].type if arguments[0].type.kind == "list" else list_of(ANY)
        if returns in _VARIABLES:
            return self._bound.get(returns, NULL)
        return self._written(returns)

    def _one(self, argument: Typed, parameter: Parameter, wrong: Wrong) -> Typed:
        place = f"{self._function.name} 的参数 {parameter.name} "
        if len(parameter.types) == 1 and parameter.types[0] not in _VARIABLES | {"scalar", "any"}:
            only = parameter.types[0]
            if not only.startswith("list("):
                return self._fit(argument, self._written(only), place)
        # What may be one value or many is taken as many where both would do.
        many_first = sorted(parameter.types, key=lambda written: not written.startswith("list("))
        if any(self._takes(argument, written) for written in many_first):
            return argument
        for written in parameter.types:
            kind = self._bound.get(written) if written in _VARIABLES else SIMPLE.get(written)
            if kind is not None and kind.kind in ("date", "datetime") and argument.type.kind == "text":
                return self._fit(argument, kind, place)
        wanted = self._shown(parameter.types)
        wrong(
            argument,
            wanted[0].kind,
            f"{place}应为{'或'.join(each.shown for each in wanted)}, 实际为{argument.type.shown}",
        )
        return argument

    def _takes(self, argument: Typed, written: str) -> bool:
        found = argument.type
        if found.kind in ("any", "null"):
            return True
        if written in _VARIABLES:
            return self._bind(written, found)
        if written == "scalar":
            return found.kind in SCALARS or (found.loose and found.of_items.kind in SCALARS)
        if written.startswith("list("):
            inner = written[5:-1]
            if found.kind != "list":
                return False
            if inner in _VARIABLES:
                return self._bind(inner, found.of_items)
            return (inner != "scalar" and fits(found.of_items, self._written(inner))) or (
                inner == "scalar" and found.of_items.kind in SCALARS | {"any", "null"}
            )
        return fits(found, self._written(written))

    def _bind(self, variable: str, found: Type) -> bool:
        allowed = _ALLOWED.get((self._function.name, variable))
        kind = found.of_items.kind if found.loose else found.kind
        if allowed is not None and kind not in allowed | {"any", "null"}:
            return False
        bound = common(self._bound.get(variable, NULL), found)
        if bound is None:
            return False
        self._bound[variable] = bound
        return True

    def _written(self, name: str) -> Type:
        if name.startswith("list("):
            return list_of(self._written(name[5:-1]))
        if name in _VARIABLES:
            return self._bound.get(name, ANY)
        return list_of(ANY) if name == "list" else SIMPLE.get(name, ANY)

    def _shown(self, types: tuple[str, ...]) -> list[Type]:
        found = [self._written(each) for each in types]
        allowed = _ALLOWED.get((self._function.name, types[0]))
        if allowed is not None and found[0].kind == "any":
            found = [SIMPLE[name] for name in sorted(allowed, reverse=True)]
        return found
