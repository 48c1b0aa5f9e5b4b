"""A whole course of one toy lab, with solutions, spec, references and a class, in a folder."""

import sys
from textwrap import dedent

import toy

from autograder import paths, record, recorded
from autograder.similar import own_digests

SECRET = "a secret for tests only"
SOLUTION = '''
# %%
import torch

# %% exercise="row_sums" points=2
def row_sums(matrix):
    """Sum each row."""
    total = torch.zeros(len(matrix), dtype=matrix.dtype)
    for column in range(matrix.shape[1]):
        total = total + matrix[:, column]
    return total
'''
CLASS = {
    "ada": SOLUTION.replace("total", "summed").replace("column", "place"),
    "bob": "def row_sums(matrix):\n    return matrix.mean(1)\n",
    "cleo": "def row_sums(matrix):\n    return matrix.sum(1) + 1e-5\n",
    "eve": "def row_sums(matrix):\n    raise RuntimeError('\\x1b[2J wiped')\n",
    "fay": "def row_sums(matrix):\n    raise NotImplementedError\n",
}


def install(root, patch):
    """Make `toy` the only lab there is, in `root`, and hand in the class; return their folder."""
    patch.setattr(paths, "PACKAGE", root / "autograder")
    patch.setattr(recorded, "FOLDER", root / "autograder" / "references")
    patch.setattr(record, "FOLDER", root / "autograder" / "references")
    patch.setitem(sys.modules, "autograder.labs.toy", toy)
    patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
    own_digests.cache_clear()
    (root / "autograder" / "references").mkdir(parents=True)
    (root / "solutions").mkdir()
    (root / "solutions" / "toy.py").write_text(SOLUTION)
    (root / "secret").write_text(SECRET)
    record.write("toy")
    for student, source in CLASS.items():
        hand_in(root, student, source)
    return root / "class"


def hand_in(root, student, source):
    path = root / "class" / "submitted" / student / "ps1" / "toy.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(source))
    return path


def variant(root, name="variant", **changes):
    """Write an instructor's own solution: the shipped one with some texts replaced."""
    text = SOLUTION
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (root / name).mkdir(exist_ok=True)
    (root / name / "toy.py").write_text(text)
    return root / name
