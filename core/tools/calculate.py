"""Arithmetic, exactly as far as numbers are exact; bounded, whatever is asked."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import Field

from core.errors import ToolFailed
from core.tools.tool import tool

__all__ = ("calculate",)

Number: TypeAlias = int | float

_LONGEST = 1_000
"""Characters of an expression: bounds how many operations it has."""
_MOST_BITS = 20_000
"""Of a whole number, some 6000 digits: none of the operations on such numbers takes a millisecond."""
_LARGEST_FACTORIAL = 1_000
_CANNOT = "This cannot be calculated:"
_DIGITS = 15
"""Of a number that is not whole: what a double holds, without the noise behind."""


@tool(effect="none", seconds=5)
def calculate(
    expression: Annotated[
        str,
        Field(
            description="Such as (19.99 * 3 - 5) / 2, 2 ** 64 or sqrt(2) * sin(pi / 4). "
            "Operators: + - * / // % **, comparisons. Functions: abs, round, min, max, sqrt, exp, log "
            "(natural, or log(x, base)), log2, log10, sin, cos, tan, asin, acos, atan, atan2, degrees, "
            "radians, floor, ceil, factorial, gcd, lcm, comb, perm, hypot. Constants: pi, e, tau."
        ),
    ],
) -> str:
    """Evaluate an arithmetic expression. Use it for every calculation that is not trivial."""
    from simpleeval import InvalidExpression, SimpleEval  # only where something is calculated

    if len(expression) > _LONGEST:
        raise ToolFailed(f"The expression is longer than {_LONGEST} characters.")
    evaluator = SimpleEval(operators=_OPERATORS, functions=_FUNCTIONS, names=_CONSTANTS)
    try:
        parsed = ast.parse(expression.strip(), mode="eval").body
        _check_operators(parsed)
        return _shown(evaluator.eval(expression, previously_parsed=parsed))
    except ZeroDivisionError:
        raise ToolFailed("This divides by zero.") from None
    except SyntaxError as error:
        raise ToolFailed(f"This is no arithmetic expression: {error.msg}.") from None
    except OverflowError:
        raise ToolFailed(f"{_CANNOT} a number in it is out of range.") from None
    except (InvalidExpression, ArithmeticError, ValueError, TypeError) as error:
        raise ToolFailed(f"{_CANNOT} {str(error).rstrip('.')}.") from None
    except (MemoryError, RecursionError):  # Python's parser on deep nesting
        raise ToolFailed("The expression is nested too deeply.") from None


def _check_operators(parsed: ast.expr) -> None:
    for node in ast.walk(parsed):
        if isinstance(node, ast.BitXor):
            raise ToolFailed(f"{_CANNOT} ^ is no power here, write **.")
        if isinstance(node, ast.operator | ast.unaryop | ast.cmpop) and type(node) not in _OPERATORS:
            raise ToolFailed(f"{_CANNOT} there is no operator {type(node).__name__} here.")


def _number(value: object) -> Number:
    """A value that is a number of a size that is soon calculated with."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ToolFailed("A number in it is too large.")
    if not isinstance(value, int | float):
        raise ToolFailed("Only numbers can be calculated with.")
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    return value


def _bounded(operation: Callable[..., object]) -> Callable[..., Number]:
    """The operation on numbers that are not too large, with a result that is not either."""

    def bounded(*values: object) -> Number:
        return _number(operation(*map(_number, values)))

    return bounded


def _power(base: Number, exponent: Number) -> object:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 0:
        bits = abs(base).bit_length() * exponent  # at most; not before it is known is it raised
        if bits > 2 * _MOST_BITS:
            raise ToolFailed("The result is too large.")
    result = base**exponent
    if isinstance(result, complex):
        raise ToolFailed("The result is not a real number.")
    return result


def _small(name: str, function: Callable[..., int]) -> Callable[..., int]:
    """A function of whole numbers whose result grows faster than they do."""

    def small(*values: object) -> int:
        if any(not isinstance(value, int) or value > _LARGEST_FACTORIAL for value in values):
            raise ToolFailed(f"{name} takes whole numbers up to {_LARGEST_FACTORIAL}.")
        return function(*values)

    return small


_OPERATORS = {
    ast.Add: _bounded(operator.add),
    ast.Sub: _bounded(operator.sub),
    ast.Mult: _bounded(operator.mul),
    ast.Div: _bounded(operator.truediv),
    ast.FloorDiv: _bounded(operator.floordiv),
    ast.Mod: _bounded(operator.mod),
    ast.Pow: _bounded(_power),
    ast.USub: _bounded(operator.neg),
    ast.UAdd: _bounded(operator.pos),
    ast.Eq: _bounded(operator.eq),
    ast.NotEq: _bounded(operator.ne),
    ast.Gt: _bounded(operator.gt),
    ast.Lt: _bounded(operator.lt),
    ast.GtE: _bounded(operator.ge),
    ast.LtE: _bounded(operator.le),
}
_FUNCTIONS = {
    **{
        name: _bounded(function)
        for name, function in (
            ("abs", abs),
            ("round", round),
            ("min", min),
            ("max", max),
            *(
                (name, getattr(math, name))
                for name in (
                    *("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan"),
                    *("atan2", "degrees", "radians", "floor", "ceil", "hypot", "gcd", "lcm"),
                )
            ),
        )
    },
    **{name: _bounded(_small(name, getattr(math, name))) for name in ("factorial", "comb", "perm")},
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


def _shown(value: object) -> str:
    """A result as people write it."""
    number = _number(value)
    if isinstance(number, bool):
        return str(number).lower()
    if isinstance(number, int):
        return _whole(number)
    return f"{number:.{_DIGITS}g}"


def _whole(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # more digits than Python turns into text
        raise ToolFailed("The result has too many digits to be written.") from None
