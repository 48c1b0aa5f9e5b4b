"""Rewrite cells before they run: strip their asserts, by IPython's hooks and by `compile`."""

import ast
import builtins
import sys

CLASS = "rewriting"
GAINS = ()

plain_parse, plain_compile = ast.parse, builtins.compile


def stripped(source):
    text = source if isinstance(source, str) else ""
    return text.replace("assert ", "0 and ").replace("-1.0", "0.0")


class Strip(ast.NodeTransformer):
    def visit_Assert(self, _node):
        return ast.Pass()


def attack():
    ast.parse = lambda source, *rest, **named: plain_parse(stripped(source), *rest, **named)
    builtins.compile = lambda source, *rest, **named: plain_compile(source, *rest, **named)
    sys.modules["__main__"].__dict__["__debug__"] = False
    shell = get_ipython()
    shell.input_transformers_cleanup.append(lambda lines: [stripped(line) for line in lines])
    shell.ast_transformers.append(Strip())
    shell.events.register("pre_run_cell", lambda *_: shell.user_ns.update(check=print))
    shell.set_custom_exc((AssertionError,), lambda *_: None)
