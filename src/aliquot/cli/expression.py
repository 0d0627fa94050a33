"""Row filters as text, in Python's own syntax: ``amount > 100 and country in ("DE", "FR") and not closed``."""

import ast
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_COMPARE = {
    ast.Eq: "__eq__",
    ast.NotEq: "__ne__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
}
_ARITHMETIC = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__"}

HELP = (
    'column names, numbers, "strings", True, False, None; == != < <= > >=, in (...), is None, and, or, not, + - * /; '
    'col("any name"), date("2024-01-31"), timestamp("2024-01-31 12:00"), struct.field'
)


def parse_expression(text: str) -> pc.Expression:
    """The expression that a text means.

    Raises
    ------
    ValueError
        If the text is not of that language; the message shows where.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        hint = "; equality is ==" if "=" in text and "==" not in text else ""
        raise ValueError(f"--where: must be an expression like 'a > 1 and b == \"x\"', got {text!r}{hint}") from error
    return _Reader(text).read(tree.body)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, node: ast.expr) -> pc.Expression:
        value = self._value(node)
        return value if isinstance(value, pc.Expression) else pc.scalar(value)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                if isinstance(value, int) and value >= 2**63:
                    raise ValueError(f"--where: must be made of numbers of at most 64 bits, got {value}")
                return value
            case ast.Name(id=name):
                return pc.field(name)
            case ast.Attribute():
                return pc.field(*self._path(node))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self.read(operand)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return pc.negate(self.read(operand))
            case ast.BoolOp(op=op, values=values):
                whole, *rest = map(self.read, values)
                for each in rest:
                    whole = whole & each if isinstance(op, ast.And) else whole | each
                return whole
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return getattr(self.read(left), _ARITHMETIC[type(op)])(self.read(right))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                whole = self._compare(sides[0], ops[0], sides[1])
                for i in range(1, len(ops)):
                    whole = whole & self._compare(sides[i], ops[i], sides[i + 1])
                return whole
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)], keywords=[]):
                return pc.field(name)
            case ast.Call(
                func=ast.Name(id="date" | "timestamp" as kind), args=[ast.Constant(value=str() as when)], keywords=[]
            ):
                return self._moment(kind, when, node)
        raise self._error(node)

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pc.Expression:
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List):
                raise self._error(right)
            found = self.read(left).isin([self._value(each) for each in right.elts])
            return found if isinstance(op, ast.In) else ~found
        if isinstance(right, ast.Constant) and right.value is None and isinstance(op, ast.Is | ast.Eq):
            return self.read(left).is_null()
        if isinstance(right, ast.Constant) and right.value is None and isinstance(op, ast.IsNot | ast.NotEq):
            return self.read(left).is_valid()
        if type(op) not in _COMPARE:
            raise self._error(right)
        return getattr(self.read(left), _COMPARE[type(op)])(self.read(right))

    def _moment(self, kind: str, when: str, node: ast.expr) -> pa.Scalar:
        try:
            return pa.scalar(date.fromisoformat(when) if kind == "date" else datetime.fromisoformat(when))
        except ValueError:
            raise self._error(node) from None

    def _path(self, node: ast.expr) -> list[str]:
        match node:
            case ast.Name(id=name):
                return [name]
            case ast.Attribute(value=value, attr=name):
                return [*self._path(value), name]
        raise self._error(node)

    def _error(self, node: ast.expr) -> ValueError:
        part = ast.get_source_segment(self._text.strip(), node)
        return ValueError(f"--where: must be made of {HELP}; got {part!r}")
