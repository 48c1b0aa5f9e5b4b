"""Make the shipped class from the labs' solutions: `python tests/data/make_class.py`.

Every student is one way in which submissions arrive. `class/submitted/` is laid out as nbgrader
does; `class/expected.json` says beside it what the grader has to find: for each exercise its
status and, after a slash, the misconception. Exercises that are not named must pass.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CLASS = Path(__file__).with_name("class")
INDUCTION, TRANSFORMER = "m3_induction", "m0_toy_transformer"
Change = Callable[[NotebookNode], NotebookNode | None]

# Each has another wrong idea of what an induction score is.
MISTAKEN = (
    *("bela", "cleo", "dara", "emil", "fay", "gil"),
    *("hana", "ivo", "jana", "kofi", "lena", "mira"),
)
# The wrong ideas of one exercise, as students write them.
INDUCTION_SCORE = {
    "previous_occurrence": """
        total = 0
        for query in range(period + 1, 2 * period + 1):
            total = total + pattern[:, :, query, query - period]
        return (total / period).mean(dim=0)
    """,
    "before_previous_occurrence": """
        stripe = pattern.diagonal(-(period + 1), dim1=2, dim2=3)
        return stripe[:, :, -period:].mean(dim=2).mean(dim=0)
    """,
    "whole_diagonal": """
        return pattern.diagonal(1 - period, dim1=-2, dim2=-1).mean(dim=-1).mean(dim=0)
    """,
    "window_forgets_bos": """
        queries = torch.arange(period, 2 * period)
        return pattern[:, :, queries, queries - period + 1].mean(dim=(0, 2))
    """,
    "leaves_out_last_query": """
        queries = range(period + 1, 2 * period)
        entries = [pattern[:, :, query, query - period + 1] for query in queries]
        return torch.stack(entries).mean(dim=(0, 1))
    """,
    "includes_last_of_first_copy": """
        return pattern.diagonal(1 - period, dim1=-2, dim2=-1)[..., 1:].mean(dim=(0, 2))
    """,
    "diagonal_counted_from_query_0": """
        stripe = pattern.diagonal(1 - period, dim1=-2, dim2=-1)
        return stripe[..., period + 1 : 2 * period + 1].mean(dim=(0, 2))
    """,
    "divides_by_all_positions": """
        stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)[..., -period:]
        return stripe.sum(dim=-1).mean(dim=0) / pattern.shape[2]
    """,
    "query_and_key_swapped": """
        queries = torch.arange(period + 1, 2 * period + 1)
        return pattern[:, :, queries - period + 1, queries].mean(dim=(0, 2))
    """,
    "first_sequence_only": """
        queries = torch.arange(period + 1, 2 * period + 1)
        return pattern[0, :, queries, queries - period + 1].mean(dim=-1)
    """,
    "sum_over_queries": """
        total = 0
        for query in range(period + 1, 2 * period + 1):
            total = total + pattern[:, :, query, query - period + 1]
        return total.mean(dim=0)
    """,
    "largest_entry": """
        stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)[..., -period:]
        return stripe.max(dim=-1).values.mean(dim=0)
    """,
}


def notebook(lab: str, folder: str = "solutions") -> NotebookNode:
    """Read a lab's solution, or with `exercises` what students are given."""
    return nbformat.read(ROOT / folder / f"{lab}.ipynb", as_version=4)


def solved(lab: str, names: list[str] | None = None) -> NotebookNode:
    """Fill the students' notebook with the reference answers, all or some of them."""
    answers = {
        exercise(cell): re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", cell.source)
        for cell in notebook(lab).cells
        if exercise(cell)
    }
    filled = notebook(lab, "exercises")
    for cell in filled.cells:
        name = exercise(cell)
        if name and (names is None or name in names):
            cell.source = answers[name]
    return filled


def exercise(cell: NotebookNode) -> str | None:
    """Return the name of the exercise that a cell answers."""
    return cell.metadata.get("glassbox", {}).get("entry")


def names(lab: str) -> list[str]:
    """Return a lab's exercises in order."""
    return [name for cell in notebook(lab).cells if (name := exercise(cell))]


def answer(filled: NotebookNode, name: str) -> NotebookNode:
    """Return the cell that answers an exercise."""
    return next(cell for cell in filled.cells if exercise(cell) == name)


def with_body(name: str, body: str, lab: str = INDUCTION) -> NotebookNode:
    """Return a solved notebook in which one answer has another body."""
    filled = solved(lab)
    cell = answer(filled, name)
    stub = answer(notebook(lab, "exercises"), name).source
    lines = [line[4:] for line in body.strip("\n").rstrip().split("\n")]
    cell.source = stub.partition("    # YOUR CODE HERE")[0] + "\n".join(lines)
    return filled


def without_metadata(filled: NotebookNode) -> NotebookNode:
    """Do as Colab does: its own metadata in, everybody else's out."""
    for place, cell in enumerate(filled.cells):
        cell.metadata = nbformat.from_dict({"id": f"cell{place}", "colab": {}})
        cell.id = f"c{place}"
    filled.metadata = nbformat.from_dict({"colab": {"provenance": []}})
    return filled


def shuffled(filled: NotebookNode) -> NotebookNode:
    """Duplicate an answer, delete text, checks and the first cells, and turn the rest around."""
    kept = [cell for cell in filled.cells if exercise(cell) or cell.source.startswith("check(")]
    again = copy.deepcopy(answer(filled, "induction_score"))
    again.id = "again"
    filled.cells = [*reversed(kept), again]
    return filled


def with_magics(filled: NotebookNode) -> NotebookNode:
    """Add what students run in their own notebooks."""
    extra = [
        "%matplotlib inline\n!pip install transformer_lens",
        "%%time\nsum(range(10))",
        "?print",
    ]
    for place, source in enumerate(extra):
        cell = nbformat.v4.new_code_cell(source, id=f"magic{place}")
        filled.cells.insert(place + 1, cell)
    return filled


def renamed(filled: NotebookNode) -> NotebookNode:
    """Give one answer a name of the student's own."""
    cell = answer(filled, "induction_score")
    cell.source = cell.source.replace("def induction_score(", "def my_induction_score(")
    return filled


DIFFERENTLY = {
    "previous_token_score": """
        scores = []
        for head in range(pattern.shape[1]):
            looks_back = [
                pattern[b, head, q, q - 1].double()
                for b in range(pattern.shape[0])
                for q in range(1, pattern.shape[2])
            ]
            scores.append(sum(looks_back) / len(looks_back))
        return torch.stack(scores)
    """,
    "induction_score": """
        wanted = torch.zeros(pattern.shape[-2:], dtype=torch.float64)
        for query in range(period + 1, 2 * period + 1):
            wanted[query, query - period + 1] = 1
        return (pattern.double() * wanted).sum(dim=(0, 2, 3)) / (period * len(pattern))
    """,
    "in_context_learning_score": """
        log_probs = logits.double().log_softmax(dim=-1)
        losses = []
        for row, sequence in zip(log_probs, tokens):
            at = [-row[place - 1, sequence[place]] for place in (early, late)]
            losses.append(at[1] - at[0])
        return sum(losses) / len(losses)
    """,
}


def differently() -> NotebookNode:
    """Return honest answers that look nothing like the reference: loops, masks, float64."""
    filled = solved(INDUCTION)
    for name, body in DIFFERENTLY.items():
        answer(filled, name).source = answer(with_body(name, body), name).source
    return filled


LOOP = """
        while True:
            period = period + 1
"""
CRASH = """
        import ctypes
        ctypes.string_at(0)
"""
BOMB = """
        hoard = []
        while True:
            hoard.append(torch.ones(64, 1024, 1024))
"""
FIRST_FOUR = ["previous_token_score", "induction_score", "find_heads", "ablate_heads"]
REST = ["in_context_learning_score", "bos_accuracy", "induction_head_weights"]


def students() -> dict[tuple[str, str], tuple[NotebookNode | str, dict[str, str], str]]:
    """Return (student, lab) -> (submission, expected outcomes of what does not pass, suffix)."""
    untouched = {lab: notebook(lab, "exercises") for lab in (INDUCTION, TRANSFORMER)}
    nothing = {lab: dict.fromkeys(names(lab), "not_started") for lab in untouched}
    half = names(TRANSFORMER)[4:]
    class_ = {
        ("ada", INDUCTION): (solved(INDUCTION), {}, ".ipynb"),
        ("ada", TRANSFORMER): (solved(TRANSFORMER), {}, ".ipynb"),
        ("blank", INDUCTION): (untouched[INDUCTION], nothing[INDUCTION], ".ipynb"),
        ("blank", TRANSFORMER): (untouched[TRANSFORMER], nothing[TRANSFORMER], ".ipynb"),
        ("half_done", INDUCTION): (
            solved(INDUCTION, FIRST_FOUR),
            dict.fromkeys(REST, "not_started"),
            ".ipynb",
        ),
        ("half_done", TRANSFORMER): (
            solved(TRANSFORMER, names(TRANSFORMER)[:4]),
            dict.fromkeys(half, "not_started"),
            ".ipynb",
        ),
        ("looping", INDUCTION): (
            with_body("induction_score", LOOP),
            {"induction_score": "timeout"},
            ".ipynb",
        ),
        ("crashing", INDUCTION): (
            with_body("ablate_heads", CRASH),
            {"ablate_heads": "crash"},
            ".ipynb",
        ),
        ("bombing", INDUCTION): (
            with_body("find_heads", BOMB),
            {"find_heads": "memory"},
            ".ipynb",
        ),
        ("from_colab", INDUCTION): (without_metadata(solved(INDUCTION)), {}, ".ipynb"),
        ("shuffled", INDUCTION): (shuffled(solved(INDUCTION)), {}, ".ipynb"),
        ("renamed", INDUCTION): (renamed(solved(INDUCTION)), {}, ".ipynb"),
        ("with_magics", INDUCTION): (with_magics(solved(INDUCTION)), {}, ".ipynb"),
        ("differently", INDUCTION): (differently(), {}, ".ipynb"),
        ("not_json", INDUCTION): (
            "This is my homework, in Word.",
            dict.fromkeys(names(INDUCTION), "unreadable"),
            ".ipynb",
        ),
        ("as_script", TRANSFORMER): (as_script(TRANSFORMER), {}, ".py"),
    }
    for student, (idea, body) in zip(MISTAKEN, INDUCTION_SCORE.items(), strict=True):
        filled = with_body("induction_score", body)
        class_[student, INDUCTION] = (filled, {"induction_score": f"fail/{idea}"}, ".ipynb")
    return class_


def as_script(lab: str) -> str:
    """Return the solved percent script, as someone without Jupyter hands it in."""
    script = (ROOT / "solutions" / f"{lab}.py").read_text(encoding="utf-8")
    return re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n", "", script)


def render(submission: NotebookNode | str) -> str:
    """Return a submission's text."""
    if isinstance(submission, str):
        return submission
    return json.dumps(submission, indent=1, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """Return every file of the class with its text, by path under `class/`."""
    made, expected = {}, {}
    for (student, lab), (submission, outcomes, suffix) in students().items():
        made[Path("submitted", student, lab, f"{lab}{suffix}")] = render(submission)
        expected.setdefault(student, {})[lab] = outcomes
    made[Path("expected.json")] = json.dumps(expected, indent=1, sort_keys=True) + "\n"
    return made


def main() -> None:
    """Write the class anew."""
    shutil.rmtree(CLASS, ignore_errors=True)
    for path, text in files().items():
        target = CLASS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
