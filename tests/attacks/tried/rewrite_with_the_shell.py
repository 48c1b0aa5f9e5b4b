"""Take the shell over: later cells are not run and well, and every function is another one."""

import sys

CLASS = "rewriting"
GAINS = ()


class Well:
    """What a cell that ran without an error gives, and an answer to anything else."""

    success, error_in_exec, error_before_exec = True, None, None

    def raise_error(self):
        return None

    def answer(self, *_inputs):
        return 1.0


def attack():
    shell = get_ipython()
    for name in ("run_cell", "run_cell_of", "run_cell_async", "run_ast_nodes", "run_code"):
        setattr(shell, name, lambda *_args, **_named: Well())
    frame = sys._getframe()
    while frame:
        student = frame.f_locals.get("self")
        if hasattr(student, "names"):
            student.names = {"previous_token_score": Well().answer}
        frame = frame.f_back
