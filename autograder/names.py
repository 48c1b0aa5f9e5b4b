"""What a cell of code binds and defines, read from its syntax tree; nothing is ever executed."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import TypeGuard, TypeVar

Read = TypeVar("Read")
MAX_PARSED = 50_000
MAX_KEPT = 4000  # what is kept may be of hostile code, whose trees are large

# For each dot of a dotted name CPython copies all that stands before it. What separates the parts
# is no part of any, so that the search takes linear time.
_PART, _BETWEEN = r"[\w\x80-\U0010ffff]", r"[ \t\f\r\n\\]*"
_DOTTED = re.compile(rf"{_PART}(?:{_BETWEEN}\.{_BETWEEN}{_PART}+){{100}}")
_FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_FILTERS = threading.Lock()  # Python's warning filters belong to the whole process
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def parse(source: str) -> ast.Module | None:
    """Return the syntax tree, or None for what Python cannot read.

    Hostile nesting ends as an error of the parser, which is None too. So is what could take the
    parser seconds or gigabytes: more than MAX_PARSED characters, or names with a hundred dots.
    """
    too_much = len(source) > MAX_PARSED or _DOTTED.search(source)
    return None if too_much else quietly(ast.parse, source)


def quietly(read: Callable[[str], Read], source: str) -> Read | None:
    """Return what `read` makes of the source, without its warnings; None for its errors."""
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\d" is no business of the grader's log
            return read(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def code_of(source: str) -> Code:
    """Return what a cell says; most cells of a class are the same text, and are read once."""
    return _kept(source) if len(source) <= MAX_KEPT else Code(source)


class Code:
    """The source of one cell and what it says; parsed once, since hostile code parses slowly."""

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None for what is not Python."""
        return parse(self.source)

    @cached_property
    def functions(self) -> list[str]:
        """The names of the cell's own functions, in order; by their looks if it does not parse."""
        if self.tree is None:
            return _FUNCTION.findall(self.source)
        return [node.name for node in _statements(self.tree) if isinstance(node, _FUNCTIONS)]

    @cached_property
    def defined(self) -> set[str]:
        """Every name that the cell gives a value of its own: functions, classes, assignments."""
        if self.tree is None:
            return set(self.functions)
        return defined_by(self.tree)

    @cached_property
    def statements(self) -> dict[str, ast.stmt]:
        """The last top-level statement that gives each of these names its value."""
        body = self.tree.body if self.tree else []
        return {name: node for node in body for name in defined_by(node)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """The names that top-level imports bind, each with the dotted name it stands for."""
        body = self.tree.body if self.tree else []
        found = [spelt_out(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        return {name: meaning for names in found for name, meaning in names.items()}

    @cached_property
    def bound(self) -> set[str]:
        """Every name that exists once the cell has run: what it defines and what it imports."""
        statements = _statements(self.tree) if self.tree else ()
        imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
        aliases = [alias for node in imports for alias in node.names]
        return self.defined | {(one.asname or one.name).partition(".")[0] for one in aliases}

    @cached_property
    def used(self) -> set[str]:
        """Every name that the cell reads anywhere, functions included."""
        if self.tree is None:
            return set(_WORD.findall(self.source))
        names = (node for node in ast.walk(self.tree) if isinstance(node, ast.Name))
        return {node.id for node in names if isinstance(node.ctx, ast.Load)}

    def only_defines(self, name: str) -> bool:
        """Tell whether the cell does nothing but define the function `name`."""
        if self.tree is None:
            return self.functions == [name]
        body = [node for node in self.tree.body if not _is_text(node)]
        return bool(body) and all(isinstance(n, _FUNCTIONS) and n.name == name for n in body)

    def unfinished(self, name: str) -> bool:
        """Tell whether the last function `name` is still a stub: it raises before it returns."""
        statements = _statements(self.tree) if self.tree else ()
        made = [n for n in statements if isinstance(n, _FUNCTIONS) and n.name == name]
        for node in made[-1].body if made else ():
            if isinstance(node, ast.Return):
                return False
            if isinstance(node, ast.Raise):
                return any(_is_not_implemented(part) for part in ast.walk(node))
        return False

    def only_calls(self, names: set[str]) -> bool:
        """Tell whether the cell does nothing but call functions of these names, as `check(f)`."""
        if self.tree is None or not self.tree.body:
            return False
        return all(
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in names
            for node in self.tree.body
        )


@lru_cache(maxsize=256)
def _kept(source: str) -> Code:
    return Code(source)


def spelt_out(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return the names that an import binds, each with the dotted name that it stands for."""
    names = {}
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            names[alias.asname or alias.name] = f"{module}.{alias.name}"
        elif alias.asname:
            names[alias.asname] = alias.name
        else:
            top = alias.name.partition(".")[0]
            names[top] = top
    return names


def defined_by(tree: ast.AST) -> set[str]:
    """Return the names that a cell's tree, or one of its statements, gives a value of its own."""
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        else:
            names |= {part.id for part in _own_parts(node) if _is_stored(part)}
    return names


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
        for field in () if isinstance(part, _SCOPES) else part._fields:
            inner = getattr(part, field, None)
            if isinstance(inner, ast.AST):
                waiting.append(inner)
            elif isinstance(inner, list) and field not in _BLOCKS:
                waiting += [child for child in inner if isinstance(child, ast.AST)]


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _is_not_implemented(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "NotImplementedError"


def _is_text(node: ast.AST) -> bool:
    """Tell a docstring or a `pass`, which do nothing, from a statement."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
