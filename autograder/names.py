"""What a cell of code binds and defines, read from its syntax tree; nothing is ever executed."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections import deque
from collections.abc import Iterator

_FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)
_FILTERS = threading.Lock()  # Python's warning filters belong to the whole process


def parse(source: str) -> ast.Module | None:
    """Return the syntax tree, or None for what Python cannot read.

    Hostile nesting ends as an error of the parser, which is None too.
    """
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\d" is no business of the grader's log
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def functions(source: str) -> list[str]:
    """Return the names of a cell's own functions, in order; by their looks if it does not parse."""
    tree = parse(source)
    if tree is None:
        return _FUNCTION.findall(source)
    return [node.name for node in _statements(tree) if isinstance(node, _FUNCTIONS)]


def bound(source: str) -> set[str]:
    """Return every name that running the cell binds at its top level."""
    tree = parse(source)
    if tree is None:
        return set(functions(source))
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        else:
            names |= {
                part.id
                for part in _own_parts(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
    return names


def only_defines(source: str, name: str) -> bool:
    """Tell whether the cell does nothing but define the function `name`."""
    tree = parse(source)
    if tree is None:
        return functions(source) == [name]
    body = [node for node in tree.body if not _is_text(node)]
    return bool(body) and all(isinstance(n, _FUNCTIONS) and n.name == name for n in body)


def unfinished(source: str, name: str) -> bool:
    """Tell whether the last function called `name` still is a stub: it raises before it returns."""
    tree = parse(source)
    made = (
        [n for n in _statements(tree) if isinstance(n, _FUNCTIONS) and n.name == name]
        if tree
        else []
    )
    if not made:
        return False
    for node in made[-1].body:
        if isinstance(node, ast.Return):
            return False
        if isinstance(node, ast.Raise):
            return any(_is_not_implemented(part) for part in ast.walk(node))
    return False


def _is_not_implemented(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "NotImplementedError"


def only_calls(source: str, names: set[str]) -> bool:
    """Tell whether the cell does nothing but call functions of these names, as in `check(f)`."""
    tree = parse(source)
    if tree is None or not tree.body:
        return False
    return all(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in names
        for node in tree.body
    )


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield top-level statements, those within `if`, `try`, `with` and loops included."""
    waiting = deque([tree])
    while waiting:
        node = waiting.popleft()
        if not isinstance(node, ast.Module):
            yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            waiting += [child for block in _BLOCKS for child in _block(node, block)]


def _block(node: ast.AST, name: str) -> list[ast.AST]:
    block = getattr(node, name, [])
    return block if isinstance(block, list) else []


def _own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a statement that are not statements of its blocks, nor inner scopes."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(
            part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
        ):
            continue
        inner = {id(child) for block in _BLOCKS for child in _block(part, block)}
        waiting += [child for child in ast.iter_child_nodes(part) if id(child) not in inner]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
