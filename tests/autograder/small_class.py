"""A class whose grading takes seconds: each submission answers two exercises in its own way."""

from pathlib import Path

from autograder.recorded import RecordedLab, load_lab

LAB = "m0_toy_transformer"
HEAD = "import os, torch\n"
RIGHT = """
def layer_norm(x, w, b, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w + b
"""
WAYS = {
    "right": RIGHT,
    "wrong": RIGHT.replace("* w + b", "* w"),
    "empty": "def layer_norm(x, w, b, eps):\n    raise NotImplementedError\n",
    "error": "def layer_norm(x, w, b, eps):\n    return x.nothing\n",
    "crash": "def layer_norm(x, w, b, eps):\n    os._exit(0)\n",
}
STATUS = dict(zip(WAYS, ("pass", "fail", "not_started", "error", "crash"), strict=True))
MLP = """
def mlp(x, W_in, b_in, W_out, b_out):
    return torch.nn.functional.gelu(x @ W_in + b_in) @ W_out + b_out
"""


def write(folder: Path, count: int) -> dict[str, str]:
    """Write so many submissions, one way after the other; return each student's way."""
    folder.mkdir()
    ways = {f"student{place:03d}": list(WAYS)[place % len(WAYS)] for place in range(count)}
    for student, way in ways.items():
        (folder / f"{student}.py").write_text(HEAD + WAYS[way] + MLP)
    return ways


def lab() -> RecordedLab:
    """Return the lab that they answer."""
    return load_lab(LAB)
