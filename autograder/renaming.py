"""Write code down so that names, annotations, docstrings and layout say nothing.

The syntax tree is written as a list of words, node by node. What a scope binds gets numbers in the
order of appearance, scope by scope (alpha conversion), so that a copy with other names gives the
same words as its original.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from autograder.names import spelt_out

# Annotations, and what says the same twice or differs between versions of Python.
UNSAID = {"annotation", "returns", "type_comment", "type_params", "kind", "ctx", "simple", "level"}


def words(statement: ast.stmt, outside: Callable[[str], str]) -> list[str]:
    """Return a top-level statement in its normal form.

    Args:
        statement: for example the definition of a function.
        outside: says what a name stands for that no scope within the statement binds.

    """
    writer = _Writer(outside)
    writer.write(statement)
    return writer.words


class _Writer:
    """Writes nodes, and renames what each scope binds."""

    def __init__(self, outside: Callable[[str], str]) -> None:
        self.words: list[str] = []
        self._outside = outside
        self._scopes: list[dict[str, str]] = []
        self._count = 0

    def write(self, value: Any) -> None:
        """Write a node, or what stands in a field of one."""
        match value:
            case ast.Name():
                self.words.append(self._name(value.id))
            case ast.Constant():
                self.words.append(repr(value.value))
            case ast.arg():
                self.words.append(self._name(value.arg))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(value)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._enter(_Bound([one.target for one in value.generators]))
                self._node(value, first="generators")
                self._scopes.pop()
            case ast.ClassDef():
                self._class(value)
            case ast.AnnAssign():
                if value.value is not None:
                    self._node(ast.Assign(targets=[value.target], value=value.value))
            case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
                pass  # what they say of names is in the names
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring
            case ast.AST():
                self._node(value)
            case list():
                self.words.append("[")
                for one in value:
                    self.write(one)
                self.words.append("]")
            case _:
                self.words.append(repr(value))

    def _node(self, node: ast.AST, first: str | None = None) -> None:
        """Write a node's kind and its fields, one of them perhaps before the others."""
        self.words.append(type(node).__name__)
        fields = sorted(node._fields, key=first.__ne__) if first else node._fields
        for field in fields:
            value = getattr(node, field, None)
            if field in ("name", "rest") and isinstance(value, str):
                self.words.append(self._name(value))
            elif field not in UNSAID:
                self.write(value)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Write a function, its arguments and body in a scope of their own."""
        self.words.append(type(node).__name__)
        arguments = node.args
        if not isinstance(node, ast.Lambda):
            self.words.append(self._name(node.name))
            self.write(node.decorator_list)
        self.write(arguments.defaults)
        self.write(arguments.kw_defaults)
        body = node.body if isinstance(node.body, list) else [node.body]
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        given += filter(None, (arguments.vararg, arguments.kwarg))
        self._enter(_Bound(body, [one.arg for one in given]))
        for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            self.write(getattr(arguments, kind))
        self.write(body)
        self._scopes.pop()

    def _class(self, node: ast.ClassDef) -> None:
        self.words += ["ClassDef", self._name(node.name)]
        for part in (node.bases, node.keywords, node.decorator_list):
            self.write(part)
        # Attributes keep their names: they are read from outside, as `self.name`.
        self._scopes.append({name: name for name in _Bound(node.body).names})
        self.write(node.body)
        self._scopes.pop()

    def _name(self, name: str) -> str:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return self._outside(name)

    def _enter(self, bound: _Bound) -> None:
        scope = dict(bound.imports)
        for name in bound.names:
            if name not in scope:
                self._count += 1
                scope[name] = f"_{self._count}"
        self._scopes.append(scope)


class _Bound:
    """What a scope binds, in order of appearance, and what its own imports stand for."""

    def __init__(self, nodes: Iterable[ast.AST], given: Iterable[str] = ()) -> None:
        self.imports: dict[str, str] = {}
        found: dict[str, None] = dict.fromkeys(given)
        elsewhere: set[str] = set()
        waiting = [*nodes][::-1]
        while waiting:
            node = waiting.pop()
            match node:
                case ast.Name():
                    if not isinstance(node.ctx, ast.Load):
                        found[node.id] = None
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found[node.name] = None
                case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                    pass
                case ast.GeneratorExp() | ast.Constant() | ast.AnnAssign(value=None):
                    pass
                case ast.Import() | ast.ImportFrom():
                    self.imports.update(spelt_out(node))
                case ast.Global() | ast.Nonlocal():
                    elsewhere.update(node.names)
                case _:
                    name = getattr(node, "name", None) or getattr(node, "rest", None)
                    if isinstance(name, str):  # of an exception, or of what a pattern catches
                        found[name] = None
                    waiting += [*ast.iter_child_nodes(node)][::-1]
        self.names = [name for name in found if name not in elsewhere]
