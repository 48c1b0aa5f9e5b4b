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
