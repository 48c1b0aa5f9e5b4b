"""What a call gives: a value, or the right reason why there is none."""

import pytest
import torch

from autograder.sandbox import Program
from autograder.values import Zoo
from course import Config, ToyTransformer


def only(start, source, inputs=None, *, name="f", **facts):
    return start(source).call(name, inputs or {}, **facts)


class TestValues:
    def test_tensors_numbers_and_containers(self, start):
        source = "def f(x, k, names): return {'x': x * k, 'n': [k, None, True], 's': set(names)}"
        x = torch.arange(6.0).reshape(2, 3)
        answer = only(start, source, {"x": x, "k": 3, "names": ("a", "b")})
        assert answer.status == "value"
        assert torch.equal(answer.value["x"], 3 * x)
        assert answer.value["n"] == [3, None, True]
        assert answer.value["s"] == {"a", "b"}
        assert answer.peak_rss_mb > 0

    def test_arguments_are_passed_by_position(self, start):
        answer = only(start, "def f(mine, yours): return mine - yours", {"b": 5, "a": 3})
        assert answer.value == 2

    def test_a_model_goes_in(self, start):
        model = ToyTransformer(
            Config(n_layers=1, d_model=8, n_ctx=6, d_head=4, n_heads=2, d_vocab=11, attn_only=True)
        )
        tokens = torch.tensor([[1, 2, 3]])
        answer = only(start, "def f(model, tokens): return model(tokens)", locals_of(model, tokens))
        torch.testing.assert_close(answer.value, model(tokens).detach())

    def test_a_shipped_model_goes_in_by_name(self, start):
        zoo = Zoo.named("induction_by_hand")
        answer = only(start, "def f(model): return model.cfg.n_layers", {"model": zoo})
        assert answer.value == zoo.load().cfg.n_layers

    def test_gradients_are_left_behind(self, start):
        answer = only(start, "import torch\ndef f(): return torch.ones(2, requires_grad=True) * 2")
        assert answer.value.tolist() == [2, 2]
        assert not answer.value.requires_grad

    def test_cells_share_one_namespace(self, start):
        student = start("import math\ncount = 1", "count += 1", "def f(): return count * math.inf")
        assert [cell.status for cell in student.cells] == ["ok"] * 3
        assert student.call("f", {}).value == torch.inf

    def test_the_namespace_is_main(self, start):
        source = """
            from __future__ import annotations
            import inspect, sys
            from dataclasses import dataclass
            @dataclass
            class Pair:
                left: int
            def f():
                main = sys.modules["__main__"]
                return [__name__, main.f is f, Pair(3).left, inspect.getsource(f)[:7]]
        """
        assert only(start, source).value == ["__main__", True, 3, "def f()"]

    def test_the_first_cell_of_every_lab(self, start):
        source = """
            from autograder import lab
            check, hint = lab("m3_induction")
            def f(): return [check(f), hint(f)]
        """
        assert only(start, source).value == [None, None]

    @pytest.mark.workers
    def test_large_answers_and_inputs(self, start):
        x = torch.randn(1000, 1000)
        assert torch.equal(only(start, "def f(x): return x.T", {"x": x}).value, x.T)

    def test_random_numbers_start_where_the_grader_says(self, start):
        source = """
            import random, torch, numpy
            def f(): return [random.random(), torch.rand(()), numpy.random.rand()]
        """
        student = start(source)
        first, again, other = (student.call("f", {}, seed=seed).value for seed in (1, 1, 2))
        assert first == again
        assert all(one != two for one, two in zip(first, other, strict=True))

    @pytest.mark.workers
    def test_text_that_is_printed_never_blocks(self, start):
        source = """
            import os, sys
            print("first")
            def f():
                for _ in range(300):
                    print("x" * 10_000); print("y" * 10_000, file=sys.stderr)
                return 1
        """
        student = start(source)
        assert student.call("f", {}).value == 1
        student.close()
        assert student.output.startswith("first\nxxx")
        assert len(student.output) <= 64 << 10


def locals_of(model, tokens):
    return {"model": model, "tokens": tokens}


class TestReasons:
    def test_not_started(self, start):
        answer = only(start, "def f(x):\n    raise NotImplementedError('your turn')", {"x": 1})
        assert (answer.status, answer.message) == ("not_started", "your turn")

    def test_not_started_behind_a_decorator(self, start):
        source = """
            import functools
            def wrap(fn):
                @functools.wraps(fn)
                def inner(*args): return fn(*args)
                return inner
            @wrap
            def f(x): raise NotImplementedError
        """
        assert only(start, source, {"x": 1}).status == "not_started"

    def test_something_else_that_is_not_implemented_is_an_error(self, start):
        source = "def g(): raise NotImplementedError('deep')\ndef f(): g()"
        answer = only(start, source)
        assert answer.status == "error"
        assert "deep" in answer.message

    @pytest.mark.parametrize(("source", "word"), [("x = 1", "f"), ("f = 3", "int"), ("", "f")])
    def test_missing(self, start, source, word):
        answer = only(start, source)
        assert answer.status == "missing"
        assert word in answer.message

    def test_errors_say_what_and_where(self, start):
        source = "import torch\n\ndef f(x):\n    y = x + 1\n    return y @ torch.ones(5)\n"
        answer = start("a = 1", source).call("f", {"x": torch.ones(3)})
        assert answer.status == "error"
        assert answer.message.startswith("RuntimeError:")
        assert answer.message.endswith("cell 2, line 5: return y @ torch.ones(5)")

    def test_wrong_arguments_are_an_error(self, start):
        answer = only(start, "def f(): return 1", {"x": 1})
        assert answer.status == "error"
        assert "TypeError" in answer.message

    @pytest.mark.parametrize(
        "body",
        [
            "lambda: object()",
            "lambda: torch.nn.Linear(2, 2)",
            "lambda: torch.empty(3, device='meta')",
            "lambda: torch.ones(3).to_sparse()",
            "lambda: (i for i in range(3))",
            "lambda: {1: 2}",
            "lambda: [[[[[[[[[[[[1]]]]]]]]]]]]",
            "lambda: torch.zeros(40_000_000)",
            "lambda: '\\ud800'",
            "lambda: numpy.ones(3)",
        ],
    )
    def test_values_that_may_not_cross(self, start, body):
        answer = only(start, f"import torch, numpy\nf = {body}")
        assert answer.status == "invalid_output"
        assert answer.message
        assert answer.value is None

    @pytest.mark.parametrize("code", ["sys.exit()", "sys.exit(0)", "raise SystemExit('done')"])
    def test_leaving_is_not_passing(self, start, code):
        answer = only(start, f"import sys\ndef f(): {code}")
        assert answer.status == "crash"
        assert answer.message.startswith("ended early")

    def test_hostile_exceptions_are_errors(self, start):
        source = """
            class Odd(Exception):
                def __str__(self): raise SystemExit
            def f(): raise Odd()
        """
        answer = only(start, source)
        assert (answer.status, answer.message[:4]) == ("error", "Odd:")

    def test_long_and_coloured_messages_are_cut_and_cleaned(self, start):
        answer = only(start, "def f(): raise ValueError('\\x1b[31m' + 'x' * 100_000)")
        assert answer.status == "error"
        assert len(answer.message) < 4000
        assert "\x1b" not in answer.message

    def test_deep_recursion_is_an_error(self, start):
        assert "RecursionError" in only(start, "def f(): return f()").message


class TestEnds:
    """The process ends, or has to be ended."""

    def test_timeout(self, start):
        answer = only(start, "def f():\n    while True: pass", seconds=0.3)
        assert answer.status == "timeout"
        assert "0.3" in answer.message

    def test_a_message_that_hangs_is_a_timeout(self, start):
        source = """
            class Odd(Exception):
                def __str__(self):
                    while True: pass
            def f(): raise Odd()
        """
        assert only(start, source, seconds=0.5).status == "timeout"

    @pytest.mark.parametrize(
        "body",
        [
            "torch.ones(10**12)",
            "bytearray(10**12)",
            "torch.zeros(1).expand(10**12)",
            "[torch.ones(2**20) for _ in range(10**6)]",
            "[list(range(10**6)) for _ in range(10**6)]",
        ],
    )
    def test_memory(self, start, body):
        source = f"import torch\ndef f(): return {body}"
        student = start(source, "def g(): return 1", megabytes=300)
        answer = student.call("f", {}, seconds=20)
        assert answer.status == "memory"
        assert student.call("g", {}).value == 1

    @pytest.mark.workers
    def test_memory_for_one_call(self, start):
        student = start("import torch\ndef f(): return torch.ones(2**25).sum()", megabytes=600)
        assert student.call("f", {}, megabytes=50).status == "memory"
        assert student.call("f", {}).value == 2**25

    def test_exit_without_a_word(self, start):
        answer = only(start, "import os\ndef f(): os._exit(0)")
        assert (answer.status, answer.message) == ("crash", "ended early, with exit status 0")

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("ctypes.string_at(0)", "SIGSEGV"),
            ("os.abort()", "SIGABRT"),
            ("os.kill(os.getpid(), 15)", "SIGTERM"),
        ],
    )
    def test_crash(self, start, code, name):
        answer = only(start, f"import ctypes, os\ndef f(): {code}")
        assert answer.status == "crash"
        assert name in answer.message

    def test_hiding_behind_an_exit_handler(self, start):
        source = """
            import atexit, os
            atexit.register(os.system, "true")
            def f(): os._exit(0)
            def g(): return 7
        """
        student = start(source)
        assert student.call("f", {}).status == "crash"
        assert student.call("g", {}).value == 7


class TestAdvice:
    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ("x.add_(1)", "`x` was changed"),
            ("x.data[0] = 9", "`x` was changed"),
            ("torch.set_grad_enabled(False)", "Gradient mode"),
            ("torch.set_default_dtype(torch.float64)", "default dtype"),
            ("model.register_forward_hook(print)", "Hooks were left behind on `model`"),
            ("model.hook_embed.edits.append(print)", "Hooks were left behind on `model`"),
            ("model.W_E.data.zero_()", "`model` was changed"),
        ],
    )
    def test_habits_worth_mentioning(self, start, body, word):
        config = Config(n_layers=1, d_model=8, n_ctx=6, d_head=4, n_heads=2, d_vocab=11)
        inputs = {"x": torch.tensor([0.0, torch.nan]), "model": ToyTransformer(config)}
        source = (
            f"import torch\ndef f(x, model):\n    {body}\n    return 1\ndef g(x, model): return x"
        )
        student = start(source)
        answer = student.call("f", inputs)
        assert answer.value == 1, answer.message
        assert [word in one for one in answer.advice] == [True]
        after = student.call("g", inputs)
        assert after.advice == ()
        assert after.value.dtype == torch.float32
        assert after.value[0] == 0

    def test_the_default_limits_are_those_of_the_contract(self):
        assert Program(cells=[]).megabytes == 1024
