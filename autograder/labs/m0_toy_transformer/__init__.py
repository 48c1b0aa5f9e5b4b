"""The lab `m0_toy_transformer`: a transformer taken apart and read, one part at a time."""

from autograder.labs.m0_toy_transformer.activations import READ_ACTIVATION, RESIDUAL_PARTS
from autograder.labs.m0_toy_transformer.attention_output import ATTENTION_OUTPUT
from autograder.labs.m0_toy_transformer.attention_pattern import ATTENTION_PATTERN
from autograder.labs.m0_toy_transformer.editing import EDIT_ACTIVATION
from autograder.labs.m0_toy_transformer.layer_norm import LAYER_NORM
from autograder.labs.m0_toy_transformer.logits import LOGIT_DIFFERENCE
from autograder.labs.m0_toy_transformer.mlp import MLP
from autograder.spec import Lab

LAB = Lab(
    name="m0_toy_transformer",
    title="A transformer, part by part",
    module="m0_foundations",
    model="random ToyTransformer, 3 layers",
    exercises=(
        READ_ACTIVATION,
        ATTENTION_PATTERN,
        ATTENTION_OUTPUT,
        LAYER_NORM,
        MLP,
        RESIDUAL_PARTS,
        EDIT_ACTIVATION,
        LOGIT_DIFFERENCE,
    ),
)
