"""The lab `m0_toy_transformer`: a transformer taken apart and read, one part at a time."""

from autograder.labs.m0_toy_transformer.activations import READ_ACTIVATION, RESIDUAL_PARTS
from autograder.labs.m0_toy_transformer.attention import ATTENTION_OUTPUT, ATTENTION_PATTERN
from autograder.labs.m0_toy_transformer.editing import EDIT_ACTIVATION
from autograder.labs.m0_toy_transformer.layers import LAYER_NORM, MLP
from autograder.labs.m0_toy_transformer.logits import LOGIT_DIFFERENCE
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
