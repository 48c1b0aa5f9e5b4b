"""A crash, loop or bomb costs that exercise alone."""

import pytest

ENTRIES = """
    import os
    def good(x): return x + 1
    def bad(x): os._exit(1)
    def sometimes(x):
        if x: os._exit(1)
        return x
"""


class TestCalls:
    def test_the_next_exercise_goes_on(self, start):
        student = start(ENTRIES)
        assert student.call("good", {"x": 1}).value == 2
        assert student.call("bad", {"x": 1}).status == "crash"
        assert student.call("good", {"x": 2}).value == 3
        assert [cell.status for cell in student.cells] == ["ok"]

    def test_an_exercise_is_the_cause_of_one_restart_for_itself(self, start):
        student = start(ENTRIES)
        assert student.restarts_left("sometimes") == 1
        assert student.call("sometimes", {"x": 1}).status == "crash"
        assert student.call("sometimes", {"x": 0}).value == 0
        assert student.restarts_left("sometimes") == 0
        assert student.call("sometimes", {"x": 1}).status == "crash"
        refused = student.call("sometimes", {"x": 0})
        assert refused.status == "crash"
        assert refused.message.startswith("not run again")
        assert student.call("good", {"x": 1}).value == 2

    def test_other_exercises_pay_nothing_for_it(self, start):
        student = start(ENTRIES)
        for x in range(3):
            student.call("bad", {"x": x})
            assert student.call("good", {"x": x}).value == x + 1
        assert student.restarts_left("good") == 1

    @pytest.mark.workers
    def test_a_new_process_is_a_fresh_one(self, start):
        source = """
            import os
            seen = []
            def f(x):
                seen.append(x)
                if x == 2: os._exit(1)
                return seen
        """
        student = start(source)
        assert [student.call("f", {"x": x}).value for x in (0, 1, 2, 3)] == [[0], [0, 1], None, [3]]


class TestLimitsOfAllRestarts:
    def test_cells_of_all_processes_share_one_budget_of_time(self, start):
        cell = "import time, os; time.sleep(0.25)"
        functions = "def bad(): os._exit(1)\ndef good(): return 1"
        student = start(functions, cell, total_seconds=0.4)
        assert student.call("good", {}).value == 1
        assert student.call("bad", {}).status == "crash"
        assert student.call("good", {}).value == 1
        assert student.call("bad", {}).status == "crash"
        for _ in range(2):
            answer = student.call("good", {})
            assert (answer.status, answer.value) == ("timeout", None)
            assert "all the time there was" in answer.message
        assert [one.status for one in student.cells] == ["ok", "ok"]

    def test_a_rerun_that_does_not_come_to_the_functions_is_no_process(self, start):
        cell = "import time, os; time.sleep(0.25)"
        functions = "def bad(): os._exit(1)\ndef good(): return 1"
        student = start(cell, cell, functions, total_seconds=0.7)
        assert student.call("bad", {}).status == "crash"
        assert student.call("good", {}).status == "timeout"
        assert student._child is None

    def test_what_was_never_reached_does_not_keep_the_rest(self, start):
        student = start("def f(): return 1", "import time; time.sleep(0.3)", "x", total_seconds=0.2)
        assert [one.status for one in student.cells] == ["ok", "ok", "skipped"]
        assert student.call("f", {}).value == 1

    def test_an_exercise_that_writes_no_reply_is_not_called_again(self, start):
        student = start(ENTRIES, "def junk(x): os.write(4, b'junk' * 10)")
        assert student.call("junk", {"x": 0}, seconds=1.0).status == "invalid_output"
        assert student.restarts_left("junk") == 0
        again = student.call("junk", {"x": 0})
        assert (again.status, student._child) == ("invalid_output", None)
        assert student.call("good", {"x": 1}).value == 2

    def test_the_second_one_ends_the_submission(self, start):
        junk = "def {}(x): os.write(4, b'junk' * 10)"
        student = start(ENTRIES, junk.format("one"), junk.format("two"))
        for name in ("one", "two", "good", "good"):
            assert student.call(name, {"x": 0}, seconds=1.0).status == "invalid_output"
        assert student._child is None

    @pytest.mark.parametrize(("number", "name"), [(40, "signal 40"), (11, "SIGSEGV")])
    def test_signals_with_and_without_a_name(self, start, number, name):
        student = start(f"import os, signal\ndef f(): os.kill(os.getpid(), {number})")
        answer = student.call("f", {})
        assert (answer.status, answer.message) == ("crash", f"the interpreter crashed: {name}")


class TestCells:
    def test_a_failing_cell_is_recorded_and_the_next_one_runs(self, start):
        student = start("a = 1", "b = a / 0", "def f(): return a", "def g(: pass")
        assert [cell.status for cell in student.cells] == ["ok", "error", "ok", "error"]
        assert "ZeroDivisionError" in student.cells[1].message
        assert "cell 2, line 1: b = a / 0" in student.cells[1].message
        assert "SyntaxError" in student.cells[3].message
        assert student.call("f", {}).value == 1

    @pytest.mark.parametrize(
        ("cell", "status"),
        [
            ("while True: pass", "timeout"),
            ("import os; os._exit(0)", "crash"),
            ("import ctypes; ctypes.string_at(0)", "crash"),
            ("import os; os.write(4, b'junk' * 10)", "crash"),
        ],
    )
    def test_a_cell_that_kills_is_skipped_when_run_again(self, start, cell, status):
        student = start("a = 1", cell, "def f(): return a", cell_seconds=0.5)
        assert [one.status for one in student.cells] == ["ok", status, "ok"]
        assert student.call("f", {}).value == 1

    @pytest.mark.parametrize(
        ("cell", "status"),
        [("import sys; sys.exit()", "crash"), ("x = bytearray(10**12)", "memory")],
    )
    def test_a_cell_that_fails_softly(self, start, cell, status):
        student = start("a = 1", cell, "def f(): return a")
        assert [one.status for one in student.cells] == ["ok", status, "ok"]
        assert student.call("f", {}).value == 1

    def test_too_many_killing_cells_end_it(self, start):
        cell = "import os; os._exit(0)"
        student = start("def f(): return 1", *[cell] * 5)
        assert [one.status for one in student.cells] == ["ok", *["crash"] * 3, *["skipped"] * 2]
        assert student.call("f", {}).status == "crash"

    def test_all_cells_together_have_a_limit(self, start):
        cell = "import time; time.sleep(0.25)"
        student = start(*[cell] * 4, total_seconds=0.6, cell_seconds=5)
        assert student.cells[0].status == "ok"
        assert student.cells[-1].status in ("timeout", "skipped")

    def test_a_cell_too_long_to_send(self, start):
        student = start("x = '" + "x" * 200_000 + "'", "def f(): return 1")
        assert student.cells[0].status == "error"
        assert student.call("f", {}).value == 1
