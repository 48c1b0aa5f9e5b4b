"""The lab on induction heads: measure them, find them, take them away, write one by hand.

Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022,
"In-context Learning and Induction Heads".
"""

from __future__ import annotations

from autograder.labs.m3_induction.ablate import ABLATE_HEADS
from autograder.labs.m3_induction.bos import BOS_ACCURACY
from autograder.labs.m3_induction.context import IN_CONTEXT_LEARNING_SCORE
from autograder.labs.m3_induction.find import FIND_HEADS
from autograder.labs.m3_induction.scores import INDUCTION_SCORE, PREVIOUS_TOKEN_SCORE
from autograder.labs.m3_induction.weights import INDUCTION_HEAD_WEIGHTS
from autograder.spec import Lab

LAB = Lab(
    name="m3_induction",
    title="Induction heads",
    module="m3_circuits",
    model="induction_2l",
    exercises=(
        PREVIOUS_TOKEN_SCORE,
        INDUCTION_SCORE,
        FIND_HEADS,
        ABLATE_HEADS,
        IN_CONTEXT_LEARNING_SCORE,
        BOS_ACCURACY,
        INDUCTION_HEAD_WEIGHTS,
    ),
)
