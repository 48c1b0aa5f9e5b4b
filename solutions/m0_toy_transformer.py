# %% [markdown]
# # A transformer, part by part
#
# A transformer reads a row of tokens and guesses, at each of them, what comes next. Between the two
# it does a few simple things with tables of numbers. In this lab you write each of these things as
# a short function, read the numbers that pass between them, and change one of them.
#
# You need 95 minutes: 20 for a warm-up without marks, the rest for eight exercises (15 points).
# Everything runs on a laptop, without a network.
#
# **Afterwards you can**
# - compute attention, LayerNorm and an MLP from their weights;
# - read any activation of a model by name, and edit one for a single run;
# - take the residual stream apart, and measure which of two answers a model prefers.
#
# **Key terms.** *Token*: a piece of text, given as a number. *Position*: a place in the row.
# *Activation*: a tensor that a model computes on its way. *Residual stream*: the vector that each
# position carries through the model. *Head*: one of several attention mechanisms in a layer.
# *Logit*: a score for one possible next token. *Hook*: a named point where an activation can be
# read or edited.

# %%
from autograder import lab

check, hint = lab("m0_toy_transformer")

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from einops import einsum, rearrange, reduce
from jaxtyping import Float, Int
from torch import Tensor

from course import Config, ToyTransformer, plots

torch.set_grad_enabled(False)  # nothing is trained here


def reveal(predicted, computed):
    """Print a prediction beside what came out."""
    said = "nothing yet: you have not predicted" if predicted is None else predicted
    print(f"predicted: {said}\ncomputed:  {computed}")


# %% [markdown]
# **How an exercise goes.** You are asked for a prediction first: write it down in the cell, even if
# you only guess. Then write the function, in place of `raise NotImplementedError()`, and run the
# `check` below it. It shows your values beside the target, and if your mistake is a known one, its
# name. `hint(your_function)` gives the next of three hints.
#
# The check calls your function with other models and other sizes. Use its arguments only, never
# `cfg`, `cache`, `pos` or `tokens` from the notebook.
#
# ## Warm-up: axes have names (20 minutes, no marks)
#
# Most mistakes with tensors are mistakes about axes. So give every axis a name, and say the names
# aloud. Here are 2 recipes, 3 ingredients and 4 shops. `amount` has the axes `recipe ingredient`,
# `price` has `ingredient shop`.

# %%
amount = torch.tensor([[2.0, 0.0, 1.0], [1.0, 3.0, 0.0]])  # recipe ingredient
price = torch.tensor(  # ingredient shop
    [[5.0, 4.0, 6.0, 5.0], [1.0, 2.0, 1.0, 3.0], [8.0, 9.0, 7.0, 8.0]]
)

# %% [markdown]
# What does each recipe cost in each shop? `einsum` answers with names only: an axis that stands on
# the left of the arrow and not on the right is multiplied through and **summed**.

# %%
cost = einsum(amount, price, "recipe ingredient, ingredient shop -> recipe shop")

by_hand = torch.zeros(2, 4)
for recipe in range(2):
    for shop in range(4):
        for ingredient in range(3):
            by_hand[recipe, shop] += amount[recipe, ingredient] * price[ingredient, shop]

assert torch.equal(cost, by_hand)
assert cost[0, 0] == 2 * 5 + 0 * 1 + 1 * 8
cost

# %% [markdown]
# **Try it.** `"recipe ingredient, ingredient shop -> recipe"` sums over the shops as well. Which
# question does the result answer? And which does
# `"recipe ingredient, ingredient shop -> recipe ingredient shop"`, where nothing is summed?
#
# `reduce` does one thing to one axis. The axis that is missing on the right has been averaged here;
# a `1` in its place keeps the axis with length 1, so that the result still lines up with `cost`.

# %%
mean_cost = reduce(cost, "recipe shop -> recipe 1", "mean")

assert mean_cost.shape == (2, 1)
assert torch.equal(mean_cost, cost.mean(dim=-1, keepdim=True))
cost - mean_cost  # dearer or cheaper than the average shop

# %% [markdown]
# `rearrange` renames, reorders, splits and merges axes. Six features of one position, split into 2
# heads of 3 features each. There are two ways, and **both give the same shape**.

# %%
features = torch.arange(6.0).reshape(1, 6)  # pos (head d_head)
split = rearrange(features, "pos (head d_head) -> pos head d_head", head=2)
other = rearrange(features, "pos (d_head head) -> pos head d_head", head=2)

assert split.shape == other.shape == (1, 2, 3)
assert split[0, 0].tolist() == [0, 1, 2]
assert other[0, 0].tolist() == [0, 2, 4]
split, other

# %% [markdown]
# Broadcasting can hide a wrong axis. In a square table, dividing by row sums and dividing by column
# sums both run without an error. Only one of them makes the **rows** sum to one.

# %%
table = torch.tensor([[1.0, 3.0], [1.0, 1.0]])  # row column
by_row = table / table.sum(dim=1, keepdim=True)
by_column = table / table.sum(dim=0, keepdim=True)

assert by_row.shape == by_column.shape
assert torch.equal(by_row.sum(dim=1), torch.ones(2))
assert not torch.equal(by_column.sum(dim=1), torch.ones(2))

# %% [markdown]
# Softmax turns scores into positive weights that sum to one. A score of zero still gets its share.
# A score of minus infinity gets exactly nothing.

# %%
with_zero = torch.tensor([2.0, 1.0, 0.0]).softmax(dim=-1)
with_minus_infinity = torch.tensor([2.0, 1.0, -torch.inf]).softmax(dim=-1)

assert with_zero[2] > 0.05
assert with_minus_infinity[2] == 0
with_zero, with_minus_infinity

# %% [markdown]
# Last, picking one entry from each row. Two index tensors of the same length walk together. A colon
# in place of the first one keeps every row, and gives a table that nobody asked for.

# %%
shop_of_recipe = torch.tensor([3, 1])

assert cost[torch.arange(2), shop_of_recipe].tolist() == [cost[0, 3], cost[1, 1]]
assert cost[:, shop_of_recipe].shape == (2, 2)

# %% [markdown]
# ## The specimen
#
# A transformer with three layers that reads letters. It has **not been trained**: its weights,
# gains and biases are random numbers, so what it says means nothing. It computes as any GPT-2 does,
# up to one formula (exercise 4), only smaller. Two prompts of eleven letters make one batch.

# %%
alphabet = " abcdefghijklmnopqrstuvwxyz"
prompts = ["the cat sat", "her dog ran"]
tokens = torch.tensor([[alphabet.index(letter) for letter in prompt] for prompt in prompts])
letters = [letter.replace(" ", "_") for letter in prompts[0]]

cfg = Config(n_layers=3, n_heads=4, d_model=32, d_head=8, n_ctx=16, d_vocab=len(alphabet))
model = ToyTransformer(cfg)
numbers = torch.Generator().manual_seed(0)
for parameter in model.parameters():
    parameter += 0.15 * torch.randn(parameter.shape, generator=numbers)

batch, pos = tokens.shape
logits, cache = model.run_with_cache(tokens)

assert logits.shape == (batch, pos, cfg.d_vocab) == (2, 11, 27)
assert cache["pattern", 0].shape == (batch, cfg.n_heads, pos, pos)

# %% [markdown]
# One block, with the names of its activations:
#
# ```
# resid_pre ---+---------------------(+)--- resid_mid ---+---------------(+)--- resid_post
#              |                      |                  |                |
#              +-- ln1 -- attention --+                  +-- ln2 -- MLP --+
#                            attn_out                              mlp_out
# ```
#
# The line at the top is the **residual stream**: one vector of `d_model` numbers for each
# position. A block reads it twice and adds to it twice, at the two `(+)`. The full name of a place
# begins with its block, counted from 0, and has `hook_` before its own name:
# `blocks.2.hook_mlp_out`. In a cache, `cache["mlp_out", 2]` is short for
# `cache["blocks.2.hook_mlp_out"]`. Here are all names, in the order in which they are computed.

# %%
for name, activation in cache.items():
    print(f"{name:32}{tuple(activation.shape)}")

# %% [markdown]
# ---
# ## Exercise 0. Read an activation
# *6 minutes, difficulty 1 of 5, 1 point*
#
# **Claim.** What the residual stream holds after a block can be read by its name, without changing
# the model.
#
# **Why it matters.** All that follows in this course begins with looking at a number inside a model
# and knowing where it was measured. Half a block too early is a different number.
#
# `model.run_with_cache(tokens)` returns two things: the logits, and a cache that holds the
# activations by name.
#
# **Predict.** The stream has nine stops: `resid_pre`, `resid_mid` and `resid_post` of three blocks.
# At how many pairs of neighbouring stops does it hold the same numbers? The diagram tells.

# %%
predicted_equal_pairs = None  # a number

# %%
stops = [
    f"blocks.{layer}.hook_resid_{stop}" for layer in range(3) for stop in ("pre", "mid", "post")
]
lengths = torch.stack([cache[stop][0].norm(dim=-1) for stop in stops])
plots.heat_map(
    lengths,
    rows=[stop.replace("hook_", "") for stop in stops],
    columns=letters,
    row_axis="stop",
    column_axis="position",
    title="Length of the residual stream",
)
plt.show()


# %% exercise="read_activation" points=1
def read_activation(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], layer: int
) -> Float[Tensor, "batch pos d_model"]:
    """Return what the residual stream holds just after block `layer`."""
    ### BEGIN SOLUTION
    return model.run_with_cache(tokens)[1][f"blocks.{layer}.hook_resid_post"]
    ### END SOLUTION


# %% check
check(read_activation)

# %% [markdown]
# **The prediction, and a control.** What leaves one block is what enters the next: the same numbers
# under two names. A comparison that found everything equal would be worth nothing, so the control
# asks the same of the two sides of a block, and must find a difference.

# %%
pairs = list(pairwise(stops))
equal = [torch.equal(cache[one], cache[two]) for one, two in pairs]
reveal(predicted_equal_pairs, sum(equal))

assert [pair for pair, same in zip(pairs, equal, strict=True) if same] == [
    ("blocks.0.hook_resid_post", "blocks.1.hook_resid_pre"),
    ("blocks.1.hook_resid_post", "blocks.2.hook_resid_pre"),
]
assert not torch.allclose(cache["resid_pre", 0], cache["resid_post", 0], atol=0.1)  # the control

# %% [markdown]
# ---
# ## Exercise 1. The attention pattern
# *15 minutes, difficulty 3 of 5, 2 points*
#
# **Claim.** A head looks back with weights that are the softmax of scaled dot products of a query
# with the keys up to its own position.
#
# **Why it matters.** The pattern is the only way by which one position can hear of another.
#
# Every position holds up a **key** (what I have) and asks with a **query** (what I look for), each
# a vector of `d_head` numbers. Take the fourth letter, the space after "the". Its query is
# multiplied with the keys of `t`, `h`, `e` and of the space itself: four dot products, the
# **scores**. Letters further on do not count, since a model that guesses the next letter must not
# see it.
#
# 1. Score: the dot product of each query with each key.
# 2. Scale: divide by the square root of `d_head`. A sum of more terms spreads more widely; this
#    takes the growth back.
# 3. Mask: the future gets a score with which softmax gives it exactly nothing.
# 4. Softmax: each query shares out a total of one among the keys it may look at.
#
# In the result, the axis `pos` of q has become `query`, and that of k `key`.
#
# **Predict.** In every head, how much attention does the first letter pay to itself?

# %%
predicted_first_weight = None  # a number from 0 to 1

# %%
plots.attention_patterns(cache["pattern", 0][0], letters, title="Layer 0 of the specimen")
plt.show()


# %% exercise="attention_pattern" points=2
def attention_pattern(
    q: Float[Tensor, "batch pos head d_head"], k: Float[Tensor, "batch pos head d_head"]
) -> Float[Tensor, "batch head query key"]:
    """Return the causal attention pattern of each head: scaled scores, mask, softmax."""
    ### BEGIN SOLUTION
    scores = einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
    scores = scores / q.shape[-1] ** 0.5
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(diagonal=1)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1)
    ### END SOLUTION


# %% check
check(attention_pattern)

# %% [markdown]
# **The prediction, and a control.** The first letter has nobody else to look at. For the control,
# shuffle the keys of each row. The rows still sum to one, so row sums cannot tell a causal pattern
# from a broken one. The weight that falls on the future can.

# %%
pattern = cache["pattern", 0]
reveal(predicted_first_weight, pattern[:, :, 0, 0].unique().tolist())

future = torch.ones(pos, pos, dtype=torch.bool).triu(diagonal=1)
shuffled = pattern[..., torch.randperm(pos, generator=numbers)]

assert (pattern[:, :, 0, 0] == 1).all()
for candidate in (pattern, shuffled):
    assert torch.allclose(candidate.sum(dim=-1), torch.ones(()))
assert (pattern[..., future] == 0).all()
assert shuffled[..., future].max() > 0.5  # the control looks ahead

# %% [markdown]
# ---
# ## Exercise 2. The attention output
# *12 minutes, difficulty 3 of 5, 2 points*
#
# **Claim.** What attention adds to the stream is a sum over heads, each a weighted average of
# values sent through that head's own `W_O`, plus one bias.
#
# **Why it matters.** Because it is a sum, one can ask what a single head contributed.
#
# The pattern says where a head looks; the **value** of a position says what is to be found there. A
# head that looks with weights 0.7 and 0.3 at two positions takes 0.7 of the first value and 0.3 of
# the second. This mixture, called `z`, has `d_head` numbers. The head's own matrix `W_O` turns it
# into `d_model` numbers, which can be added to the stream. The contributions of all heads are added
# up. The layer has one bias, `b_O`.

# %%
plots.heat_map(
    cache["attn_out", 0][0],
    rows=letters,
    row_axis="position",
    column_axis="d_model",
    title="What attention in layer 0 adds to the stream",
)
plt.show()

# %% [markdown]
# **Predict.** Suppose that every weight of the pattern is zero, in all heads: nobody looks
# anywhere. What does the layer then write: nothing, the values, or something else?

# %%
predicted_blind_layer = None  # a few words


# %% exercise="attention_output" points=2
def attention_output(
    pattern: Float[Tensor, "batch head query key"],
    v: Float[Tensor, "batch key head d_head"],
    W_O: Float[Tensor, "head d_head d_model"],
    b_O: Float[Tensor, "d_model"],
) -> Float[Tensor, "batch pos d_model"]:
    """Return what the attention layer adds to the residual stream; `pos` is the query."""
    ### BEGIN SOLUTION
    z = einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
    out = einsum(z, W_O, "batch query head d_head, head d_head d_model -> batch query d_model")
    return out + b_O
    ### END SOLUTION


# %% check
check(attention_output)

# %% [markdown]
# **The prediction, and a control.** A hook function receives an activation and may return another
# one in its place; here it returns the pattern with zeros (more about hooks in exercise 6). The
# control blinds all heads but one.


# %%
def written_when_blind(heads):
    """Return what attention in layer 0 writes while some of its heads look nowhere."""

    def blind(pattern, hook):
        pattern[:, heads] = 0
        return pattern

    with model.hooks([("blocks.0.attn.hook_pattern", blind)]):
        return model.run_with_cache(tokens, names="blocks.0.hook_attn_out")[1]["attn_out", 0]


b_O = model.blocks[0].attn.b_O
all_blind = torch.allclose(written_when_blind([0, 1, 2, 3]), b_O.expand(batch, pos, -1))
reveal(predicted_blind_layer, "the bias b_O, at every position" if all_blind else "something else")

assert all_blind
assert not torch.allclose(written_when_blind([0, 1, 2]), b_O.expand(batch, pos, -1), atol=0.1)

# %% [markdown]
# ---
# ## Exercise 3. LayerNorm
# *8 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** LayerNorm makes each position's numbers have mean 0 and variance close to 1, and then
# applies a learned gain and bias.
#
# **Why it matters.** Between the stream and the logits it is the only step that is not a plain sum:
# what one part does depends on how large the others are. Later labs have to reckon with it.
#
# For each position by itself: subtract the mean of its `d_model` numbers. Divide by the square root
# of (variance + `eps`). The variance is the mean of the squares after centring, over all `d_model`
# of them. Then multiply by the gain `w` and add the bias `b`.
#
# `eps` is a small number that keeps a position of nearly equal numbers from being divided by zero.
# It sounds like a detail. The check has positions whose numbers are around 0.001, where it decides
# the result.
#
# The picture shows two stops, one where the stream is short and one where it is long, before (left)
# and after (right) LayerNorm, without gain and bias. Colours on the left go from -9 to 9, on the
# right from -3 to 3. The first panel is nearly blank: its numbers are around 0.3.

# %%
figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
for row, stop in zip(axes, ("0.hook_resid_pre", "2.hook_resid_mid"), strict=True):
    norm = "ln1" if stop.endswith("pre") else "ln2"
    before, after = cache[f"blocks.{stop}"], cache[f"blocks.{stop[0]}.{norm}.hook_normalized"]
    for ax, values, limit in zip(row, (before, after), (9, 3), strict=True):
        plots.heat_map(
            values[0],
            rows=letters,
            row_axis="position",
            column_axis="d_model",
            title=f"blocks.{stop}" if values is before else f"the same after {norm}",
            limits=(-limit, limit),
            ax=ax,
        )
plt.show()

# %% [markdown]
# **Predict.** Make x a thousand times larger: by what factor does the normalised x grow? And if x
# is made a thousand times smaller? The numbers of x are around 0.3, and `eps` is 0.00001.

# %%
predicted_growth = None  # two factors, for example (1000, 0.001)


# %% exercise="layer_norm" points=2
def layer_norm(
    x: Float[Tensor, "batch pos d_model"],
    w: Float[Tensor, "d_model"],
    b: Float[Tensor, "d_model"],
    eps: float,
) -> Float[Tensor, "batch pos d_model"]:
    """Return x normalised at each position, times the gain `w`, plus the bias `b`."""
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.pow(2).mean(dim=-1, keepdim=True)
    return centred / (variance + eps).sqrt() * w + b
    ### END SOLUTION


# %% check
check(layer_norm)

# %% [markdown]
# **The prediction, and a control.** The size of x does not matter until its variance comes near
# `eps`. Neither does a constant added to all numbers of a position. The control divides by the root
# of the mean square without centring (RMSNorm): there the same constant does matter.

# %%
ln = model.blocks[0].ln1
x = cache["resid_pre", 0]


def normalised(x):
    """Return the specimen's first LayerNorm of x, without its bias."""
    return ln(x) - ln.b


def without_centring(x):
    """Return x over the root of its mean square."""
    return x / x.pow(2).mean(dim=-1, keepdim=True).sqrt()


growth = [float(normalised(factor * x).norm() / normalised(x).norm()) for factor in (1e3, 1e-3)]
reveal(predicted_growth, tuple(round(factor, 2) for factor in growth))

assert abs(growth[0] - 1) < 1e-3
assert 0.2 < x.std() < 0.4
assert growth[1] < 0.2
assert torch.allclose(normalised(x + 2), normalised(x), atol=1e-4)
assert not torch.allclose(without_centring(x + 2), without_centring(x), atol=0.1)  # the control

# %% [markdown]
# ---
# ## Exercise 4. The MLP
# *5 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** The MLP looks at one position at a time: it takes `d_mlp` weighted sums, passes each
# through GELU, and writes a weighted sum of the results.
#
# **Why it matters.** Two thirds of a block's weights are in its MLP, and each of its neurons can be
# looked at: when it fires, and what it writes.
#
# One neuron is one column of `W_in`: it adds up the numbers of x with these weights, and its entry
# of `b_in` decides from where on it fires. GELU lets large sums through and holds negative ones
# back, softly. Then the neuron writes its row of `W_out`, as strongly as it fires. The layer adds
# `b_out` at the end.
#
# GELU of x is x times the probability that a standard normal number is below x. There is a formula
# with tanh that comes close to it. This model uses **the exact one**.

# %%
inputs = torch.linspace(-4, 4, 401)
exact = torch.nn.functional.gelu(inputs)
approximate = torch.nn.functional.gelu(inputs, approximate="tanh")

figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
axes[0].plot(inputs, exact, label="GELU")
axes[0].plot(inputs, inputs.relu(), "--", label="ReLU")
axes[0].legend()
axes[1].plot(inputs, approximate - exact)
axes[1].set_title("tanh formula - exact GELU")
axes[0].set(xlabel="x", ylabel="output")
axes[1].set(xlabel="x", ylabel="difference")
plt.show()

# %% [markdown]
# **Predict.** The largest gap on the right is about 0.0005. If a whole layer uses the wrong GELU,
# each of its outputs adds up 128 neurons, with weights `W_out` of both signs and around 0.2.
# How large will the largest error of an output be?

# %%
predicted_error = None  # a number


# %% exercise="mlp" points=2
def mlp(
    x: Float[Tensor, "batch pos d_model"],
    W_in: Float[Tensor, "d_model d_mlp"],
    b_in: Float[Tensor, "d_mlp"],
    W_out: Float[Tensor, "d_mlp d_model"],
    b_out: Float[Tensor, "d_model"],
) -> Float[Tensor, "batch pos d_model"]:
    """Return what the MLP adds to the residual stream; the activation is the exact GELU."""
    ### BEGIN SOLUTION
    hidden = torch.nn.functional.gelu(x @ W_in + b_in)
    return hidden @ W_out + b_out
    ### END SOLUTION


# %% check
check(mlp)

# %% [markdown]
# **The prediction, and a control.** For the first, put the tanh formula into layer 0 of the
# specimen. Errors add up, but not all with the same sign.
#
# That the MLP looks at one position at a time can be tested: turn the row of positions around, and
# what the MLP writes must be turned around and otherwise the same. The control is attention, which
# cannot pass that test.


# %%
def other_gelu(post, hook):
    """Replace the activations of all neurons by those of the tanh formula."""
    return torch.nn.functional.gelu(cache["pre", 0], approximate="tanh")


with model.hooks([("blocks.0.mlp.hook_post", other_gelu)]):
    _, edited = model.run_with_cache(tokens, names="blocks.0.hook_mlp_out")
error = float((edited["mlp_out", 0] - cache["mlp_out", 0]).abs().max())
reveal(predicted_error, round(error, 5))

block = model.blocks[0]
x = cache["resid_mid", 0]
backwards = x.flip(dims=[1])

assert 0.0004 < (approximate - exact).abs().max() < 0.0005
assert 0.0005 < error < 128 * 0.0005
assert 0.15 < block.mlp.W_out.std() < 0.25
# Attention has 4 matrices of the size of W_Q, so the MLP has 8 of a block's 12.
assert block.mlp.W_in.numel() + block.mlp.W_out.numel() == 2 * 4 * block.attn.W_Q.numel()
assert torch.allclose(block.mlp(backwards), block.mlp(x).flip(dims=[1]), atol=1e-5)
assert not torch.allclose(block.attn(backwards), block.attn(x).flip(dims=[1]), atol=0.1)

# %% [markdown]
# ---
# ## Exercise 5. The residual stream is a sum
# *10 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** The final residual stream is exactly the sum of what the embeddings and each layer
# wrote into it.
#
# **Why it matters.** A sum can be taken apart. Any question of the form "which part of the model
# moved this number?" starts here.
#
# Nothing in the stream is ever overwritten. In the diagram, a block adds twice:
#
# `resid_post = resid_pre + attn_out + mlp_out`
#
# Before the first block two vectors are added: the embedding of the token (`hook_embed`) and that
# of its position (`hook_pos_embed`). Your parts, in the order in which they are written: these two,
# then attention and MLP of layer 0, of layer 1, and so on. The number of layers of the model that
# you are given is `model.cfg.n_layers`.
#
# **Predict.** How many parts does the final stream of the specimen have?

# %%
predicted_parts = None  # a number

# %% [markdown]
# The picture follows the stream at the last letter. Each bar says how far the stream has come, at
# that stop, in the direction of where it ends. The first bar is the first part; each further bar
# adds one part.

# %%
bars = ["hook_embed", "blocks.0.hook_resid_pre"]
bars += [f"blocks.{layer}.hook_resid_{stop}" for layer in range(3) for stop in ("mid", "post")]
final = cache["resid_post", 2][0, -1]
reached = [float(cache[stop][0, -1] @ final / final.norm()) for stop in bars]
ax = plots.residual_attribution(
    [stop.replace("hook_", "") for stop in bars],
    torch.tensor(reached),
    unit="distance covered",
    title="The stream at the last letter",
)
ax.set_ylabel("stop")
plt.show()


# %% exercise="residual_parts" points=2
def residual_parts(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "part batch pos d_model"]:
    """Return all that is added to the residual stream: embeddings, then attention, MLP by layer."""
    ### BEGIN SOLUTION
    _, cache = model.run_with_cache(tokens)
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer in range(model.cfg.n_layers):
        parts.append(cache[f"blocks.{layer}.hook_attn_out"])
        parts.append(cache[f"blocks.{layer}.hook_mlp_out"])
    return torch.stack(parts)
    ### END SOLUTION


# %% check
check(residual_parts)

# %% [markdown]
# **The prediction, and a control.** The equation for one block holds for every block, and all parts
# together are the final stream. The control takes the MLP's part from another layer: a sum of the
# right shape that is not the stream.

# %%
reveal(predicted_parts, 2 + 2 * cfg.n_layers)

total = cache["hook_embed"] + cache["hook_pos_embed"]
assert torch.equal(total, cache["resid_pre", 0])
for layer in range(cfg.n_layers):
    before, after = cache["resid_pre", layer], cache["resid_post", layer]
    assert torch.allclose(after, before + cache["attn_out", layer] + cache["mlp_out", layer])
    elsewhere = cache["mlp_out", (layer + 1) % cfg.n_layers]
    assert not torch.allclose(after, before + cache["attn_out", layer] + elsewhere, atol=0.1)
    total = total + cache["attn_out", layer] + cache["mlp_out", layer]
assert torch.allclose(total, cache["resid_post", cfg.n_layers - 1], atol=1e-5)

# %% [markdown]
# ---
# ## Exercise 6. Edit an activation, and leave nothing behind
# *12 minutes, difficulty 3 of 5, 2 points*
#
# **Claim.** One head can be silenced for one run, and the next run of the same model is as if
# nothing had happened.
#
# **Why it matters.** Reading shows what is there. Only changing it shows what it does. And an edit
# that stays behind spoils every measurement after it, without a word.
#
# A **hook function** is called with an activation and with the hook, which knows its name. What it
# returns takes the activation's place. If it returns None, the activation it was given stays, with
# any change made to it in place. `run_with_hooks` puts the function in, runs the model once, and
# takes it out again. Here the MLP of one layer is silenced, at the sixth letter only.


# %%
def change_after_silencing(layer):
    """Return by how much the logits of each position change."""

    def silence(mlp_out, hook):
        mlp_out[:, 5] = 0
        return mlp_out

    edited = model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.hook_mlp_out", silence)])
    return (edited - logits).abs().amax(dim=-1)[0]


changes = torch.stack([change_after_silencing(layer) for layer in range(cfg.n_layers)])

# %% [markdown]
# **Predict.** At which of the eleven positions can the logits change when layer 0 is edited at
# position 5 (counted from 0)? And when the last layer is?

# %%
predicted_positions = None  # two lists of positions

# %% [markdown]
# **Your task.** Silence one *head*: its mixture `z` (axes `batch pos head d_head`, hook
# `attn.hook_z`) becomes zero at all positions, in all rows of the batch. Run the same model three
# times: plain, edited, and plain again. Return the logits of each.


# %% exercise="edit_activation" points=2
def edit_activation(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], layer: int, head: int
) -> tuple[
    Float[Tensor, "batch pos d_vocab"],
    Float[Tensor, "batch pos d_vocab"],
    Float[Tensor, "batch pos d_vocab"],
]:
    """Return logits (before, edited, after): plain, with one head's z set to zero, plain again."""
    ### BEGIN SOLUTION

    def silence(z, hook):
        z = z.clone()
        z[:, :, head] = 0
        return z

    before = model(tokens)
    edited = model.run_with_hooks(tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", silence)])
    return before, edited, model(tokens)
    ### END SOLUTION


# %% check
check(edit_activation)

# %% [markdown]
# **The prediction, and two controls.** An edit can travel to later positions only through attention
# in a later layer; after the last layer there is none. The first control is a hook that changes
# nothing: if it moved the logits, the hook itself would be to blame. The second asks whether the
# model is as before.

# %%
moved = [[place for place in range(pos) if change[place] > 0] for change in changes]
reveal(predicted_positions, (moved[0], moved[-1]))
plots.heat_map(
    changes,
    columns=letters,
    row_axis="layer edited",
    column_axis="position",
    title="Change of the logits after silencing an MLP at position 5",
)
plt.show()


def keep(activation, hook):
    """Return the activation as it is."""
    return activation


unchanged = model.run_with_hooks(tokens, fwd_hooks=[("blocks.0.hook_mlp_out", keep)])

assert moved[0] == list(range(5, 11))
assert moved[-1] == [5]
assert torch.equal(unchanged, logits)
assert torch.equal(model(tokens), logits)

# %% [markdown]
# Now each head in turn, at all positions, with your function.

# %%
runs = [
    [edit_activation(model, tokens, layer, head) for head in range(cfg.n_heads)]
    for layer in range(cfg.n_layers)
]
largest = [[(edited - before).abs().max() for before, edited, _ in row] for row in runs]
assert all(torch.equal(before, after) for row in runs for before, _, after in row)
plots.heat_map(
    torch.tensor(largest),
    row_axis="layer",
    column_axis="head",
    title="Largest change of a logit when a head is silenced",
    ax=plt.subplots(figsize=(6, 3.5), layout="constrained")[1],
)
plt.show()

# %% [markdown]
# ---
# ## Exercise 7. The logit difference
# *8 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** The logit difference says which of two answers a model prefers at the end of a prompt,
# and adding the same number to all logits does not change it.
#
# **Why it matters.** To measure what an edit does you need one number per prompt. This one ignores
# what moves all answers alike.
#
# After "the cat sa", is `t` likelier than `d`? Take the logits **at the last letter of the
# prompt**, and subtract the logit of `d` from that of `t`. In a batch, short prompts are filled up
# on the right with padding (here: spaces), so the last letter stands at a different index in each
# row: `last`.

# %%
endings = ["the cat sa", "her do", "her dog ra"]
last = torch.tensor([len(ending) - 1 for ending in endings])
padded = torch.tensor([[alphabet.index(c) for c in ending.ljust(10)] for ending in endings])
at_the_end = model(padded)[torch.arange(3), last]
plots.heat_map(
    at_the_end,
    rows=endings,
    columns=alphabet.replace(" ", "_"),
    row_axis="prompt",
    column_axis="next letter",
    title="Logits at the last letter of each prompt",
)
plt.show()

# %% [markdown]
# The softmax of the logits gives the probabilities.
#
# **Predict.** Add 5 to all logits. By how much do these three change: the logit of the correct
# answer, the logit difference, the difference of the two probabilities?

# %%
predicted_shifts = None  # three numbers


# %% exercise="logit_difference" points=2
def logit_difference(
    logits: Float[Tensor, "batch pos d_vocab"],
    correct: Int[Tensor, "batch"],
    wrong: Int[Tensor, "batch"],
    last: Int[Tensor, "batch"],
) -> Float[Tensor, "batch"]:
    """Return, at index `last` of each row, the logit of `correct` minus the logit of `wrong`."""
    ### BEGIN SOLUTION
    rows = torch.arange(len(last))
    return logits[rows, last, correct] - logits[rows, last, wrong]
    ### END SOLUTION


# %% check
check(logit_difference)

# %% [markdown]
# **The prediction, and three controls.** All three numbers are read off the first prompt. A raw
# logit, which a shift of all logits moves, cannot be about a preference. Nor can the difference of
# probabilities: raise the logit of `o` alone, and it all but disappears, though nothing has changed
# between `t` and `d`. And reading the second prompt, which is padded, at position -1 gives the
# logits of another question.

# %%
t, d, o = (alphabet.index(letter) for letter in "tdo")


def three_numbers(row):
    """Return a raw logit, a logit difference and a difference of probabilities."""
    chances = row.softmax(dim=-1)
    return torch.stack([row[t], row[t] - row[d], chances[t] - chances[d]])


row = at_the_end[0]
only_o = row + 5 * (torch.arange(len(row)) == o)
shifts = three_numbers(row + 5) - three_numbers(row)
reveal(predicted_shifts, [round(abs(float(shift)), 2) for shift in shifts])
print(f"logit of t {row[t]:.2f}, of d {row[d]:.2f}, difference {row[t] - row[d]:.2f}")
for name, numbers_of in (("as it is", row), ("o raised", only_o)):
    _, difference, chance = three_numbers(numbers_of).tolist()
    print(f"{name}: logit difference {difference:.2f}, probability difference {chance:.4f}")

assert torch.allclose(shifts, torch.tensor([5.0, 0.0, 0.0]), atol=1e-5)
assert three_numbers(only_o)[1] == three_numbers(row)[1]
assert three_numbers(only_o)[2] < 0.02 * three_numbers(row)[2]
assert 0.63 < row.softmax(dim=-1)[o] < 0.64
assert not torch.allclose(model(padded)[1, -1], at_the_end[1], atol=0.1)

# %% [markdown]
# ---
# ## What this does not show
#
# - The specimen is untrained. You have seen how a transformer computes, and nothing of what a
#   trained one has learnt.
# - A value that can be read at some place need not be used by anything that follows.
# - A pattern shows where a head looks. How much it writes from there depends on values and `W_O`.
# - Zero is one of many ways of silencing a head. It may be a value that the head never takes, and
#   the effect then mixes the loss of the head with the strangeness of the zero.
# - A logit difference compares the two answers you chose. The model may prefer a third: after "the
#   cat sa" it gives `o` 64 % of the probability.
