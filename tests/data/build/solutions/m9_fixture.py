# %% [markdown]
# # A lab for tests of the builder
#
# Small numbers and *no* model.

# %%
from autograder import lab

check, hint = lab("m9_fixture")

# %%
import torch
from jaxtyping import Float
from torch import Tensor

# %% [markdown]
# ## Twice
#
# Return twice the input.


# %% exercise="twice" points=2
def twice(x: Float[Tensor, "pos"]) -> Float[Tensor, "pos"]:
    """Return twice the input.

    Hint at shapes: (pos,) in, (pos,) out.
    """
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% check
check(twice)

# %% exercise="mean_of_rows" points=1.5
def mean_of_rows(table: Float[Tensor, "row column"], *, keep: bool = False) -> Tensor:
    """Return the mean of each row."""
    mean = torch.zeros(len(table))
    ### BEGIN SOLUTION
    for index, row in enumerate(table):
        mean[index] = row.mean()
    ### END SOLUTION
    return mean


# %%
torch.arange(3)

# %% check
check(mean_of_rows)
