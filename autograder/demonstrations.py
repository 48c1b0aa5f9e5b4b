"""Which of the course's own cells a submission can be graded without.

A lab's notebook shows things between its exercises: it draws, prints and asserts. Those cells come
back with every submission, and running them takes most of the time of a grade and decides none of
it. Left out are cells that stand in the shipped lab word for word and that nothing else depends on.
Whatever a student wrote or changed always runs, and so does every cell of the course's that binds a
name that a running cell reads, or may change a value that it reads. In doubt all cells run.

Nothing is executed here. What differs without a cell is the state of the global random generators,
which calls for credit set anew.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autograder.magics import turn_off
from autograder.names import MAX_KEPT, parse, quietly

# Code with one of these may read or bind any name, in a way that cannot be seen in it.
DYNAMIC = re.compile(
    r"\b(?:globals|locals|vars|dir|eval|exec|compile|inspect|gc|get_ipython|import_module|builtins"
    r"|__main__|__import__|__builtins__|__globals__|__dict__|_getframe"
    r"|f_(?:back|globals|locals|builtins))\b|\bimport\s*\(?\s*\*"
)
# Functions of libraries that change what later code does: `torch.manual_seed`, `torch.set_...`.
SETTING = re.compile(
    r"(?:\w+_)?(?:set|seed|reset|use|enable|disable|register|init)\w*|\w*(?:warnings|filter)"
)
# Functions that leave what they are given as it is, iterators included.
HARMLESS = {
    *("abs", "bool", "callable", "float", "format", "getattr", "hasattr", "hash", "id", "int"),
    *("isinstance", "issubclass", "len", "print", "range", "repr", "round", "str", "type"),
}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WORD = re.compile(r"[A-Za-z_]\w*")
Names = frozenset[str]


def demonstrations(sources: Sequence[str], shipped: Collection[str]) -> set[int]:
    """Return the places of the cells that need not run.

    Args:
        sources: a submission's cells as they were written, in order.
        shipped: the lab's own code cells but for its exercises, as `normal` gives them.

    """
    facts = [facts_of(source) for source in sources]
    if any(one.is_dynamic for one in facts):
        return set()
    ours = {place for place, source in enumerate(sources) if normal(source) in shipped}
    libraries = _libraries(facts, ours)
    left = {place for place in ours if not facts[place].set & libraries}
    while True:
        read = _united(one.read for place, one in enumerate(facts) if place not in left)
        reached = _reached(read - libraries, facts) - libraries
        wanted = {
            place for place in left if facts[place].bound & read or facts[place].changed & reached
        }
        if not wanted:
            return left
        left -= wanted


def normal(source: str) -> str:
    """Return a cell without the differences that editors make: line ends, trailing blanks."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _libraries(facts: Sequence[Facts], ours: Collection[int]) -> Names:
    """Return the names that stand for a library's things and for nothing else."""
    imported = _united(facts[place].imported for place in ours) | {*dir(builtins)}
    return imported - _united(one.bound - one.imported for one in facts)


def _reached(read: Names, facts: Sequence[Facts]) -> Names:
    """Return the names under which the values that are read may be met, or what is made of them."""
    reached, before = read, None
    while reached != before:
        before = reached
        links = (link for one in facts for link in one.links)
        reached |= _united(link.ends for link in links if (link.starts | link.ends) & before)
    return reached


def _united(parts: Iterable[Iterable[str]]) -> Names:
    return frozenset().union(*parts)


@dataclass(frozen=True)
class Link:
    """A statement that may let `ends` share values with each other and with `starts`."""

    starts: Names
    ends: Names


@dataclass(frozen=True)
class Facts:
    """What a cell takes from others, and what it leaves to them.

    Attributes:
        read: names that it reads and has not made itself, inside functions too.
        bound: names that exist once it has run.
        imported: those of them that are imported.
        changed: names of values that it may change.
        links: how names come to share values.
        set: names in which it sets something; if one is a library's, that holds for all.
        is_dynamic: whether it may read or bind any name.

    """

    read: Names
    bound: Names
    imported: Names = frozenset()
    changed: Names = frozenset()
    links: tuple[Link, ...] = ()
    set: Names = frozenset()
    is_dynamic: bool = False


def facts_of(source: str) -> Facts:
    """Read a cell; most cells of a class are the same text, and are read once."""
    return (_kept if len(source) <= MAX_KEPT else _facts)(source)


@lru_cache(maxsize=256)
def _kept(source: str) -> Facts:
    return _facts(source)


def _facts(source: str) -> Facts:
    readable, _ = turn_off(source)
    words = frozenset(_WORD.findall(source))
    tree = parse(readable)
    table = quietly(_symbols, readable) if tree else None
    is_dynamic = DYNAMIC.search(source) is not None
    if tree is None or table is None:
        return Facts(words, words, is_dynamic=is_dynamic)
    nodes = list(ast.walk(tree))
    read = _united([_read(table), *map(_read_to_change, nodes)])
    bound, imported = _bound(table)
    return Facts(
        read if source == readable else read | words,  # a magic may read any of the words in it
        frozenset(bound),
        frozenset(imported),
        _united(map(_changed, nodes)),
        tuple(_link(node) for node in nodes if isinstance(node, ast.stmt)),
        _united(map(_set, nodes)),
        is_dynamic,
    )


def _symbols(source: str) -> symtable.SymbolTable:
    return symtable.symtable(source, "<cell>", "exec")


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that code reads from the module; a class's own names may be meant too."""
    inside = table.get_type() == "function"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or not inside):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read(inner)


def _bound(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Return the module's names that code gives a value, and those of them that are imported."""
    bound, imported = set(), set()
    for symbol in table.get_symbols():
        if table.get_type() == "module" or symbol.is_declared_global():
            if symbol.is_assigned() or symbol.is_imported():
                bound.add(symbol.get_name())
            if symbol.is_imported():
                imported.add(symbol.get_name())
    for inner in table.get_children():
        more, also = _bound(inner)
        bound |= more
        imported |= also
    return bound, imported


def _read_to_change(node: ast.AST) -> Iterator[str]:
    """Yield the name that `x += 1` and `del x` need, though they do not read it as others do."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
        yield node.id


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values a statement or expression may change."""
    match node:
        case ast.Attribute() | ast.Subscript() if not isinstance(node.ctx, ast.Load):
            yield _root(node)
        case ast.AugAssign():
            yield _root(node.target)
        case ast.For() | ast.AsyncFor() | ast.comprehension():  # an iterator moves on
            yield from _names(node.iter)
        case ast.withitem():
            yield from _names(node.context_expr)
        case ast.Call() if not (isinstance(node.func, ast.Name) and node.func.id in HARMLESS):
            yield _root(node.func)
            for given in (*node.args, *node.keywords):
                yield from _names(given)


def _set(node: ast.AST) -> Iterator[str]:
    """Yield the names in which something is set: by a store, or by a function named for that."""
    match node:
        case ast.Attribute() | ast.Subscript() if not isinstance(node.ctx, ast.Load):
            yield _root(node)
        case ast.Call(func=ast.Attribute(attr=name)) if SETTING.fullmatch(name):
            yield _root(node.func)


def _link(statement: ast.stmt) -> Link:
    parts = list(_parts(statement))
    names = [part for part in parts if isinstance(part, ast.Name)]
    stored = {part.id for part in names if not isinstance(part.ctx, ast.Load)}
    if isinstance(statement, _DEFINITIONS):
        stored.add(statement.name)
    starts = frozenset(part.id for part in names)
    return Link(starts, _united([stored, *map(_changed, parts)]))


def _parts(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement's parts; those of its blocks only if it is a function or a class."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        part = waiting.pop()
        yield part
        inner = ast.iter_child_nodes(part)
        whole = isinstance(statement, _DEFINITIONS)
        waiting += [child for child in inner if whole or not isinstance(child, ast.stmt)]


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _root(node: ast.AST) -> str:
    """Return the name that an expression like `x.a[0].b` starts with; empty for any other."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
