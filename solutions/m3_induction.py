# %% [markdown]
# # Induction heads
#
# A model reads a sequence of random tokens, and then the same sequence once more. The first time
# it can only guess. The second time it could know every token but the first, if it looked back to
# where it was before and read what came next. In this lab you find the heads of a trained model
# that do this, take them away, and write the weights of such a head yourself.
#
# You need 85 minutes for seven exercises (15 points), and what `m0_toy_transformer` taught about
# attention patterns and hooks. Everything runs on a laptop, without a network. When you are
# stuck, `hint(your_function)` gives the next of three hints.
#
# **Afterwards you can**
# - turn the picture of an attention pattern into a number, and search a whole model with it;
# - measure what a head is worth by taking it away;
# - measure in-context learning from outside, and predict how a known circuit fails;
# - write the weights of an induction head.
#
# **Key terms.** *Pattern*: a head's table of attention; the row is the *query*, the position that
# looks, the column is the *key*, the position that is looked at, and each row sums to one.
# *Previous-token head*: a head that looks one position back. *Induction head*: a head that
# attends to the token **after** an earlier occurrence of the current one and predicts it: after
# `a b ... a` it says `b`. *Circuit*: parts of a model that do one thing together. *K-composition*:
# a head finds its keys by what an earlier head wrote there. *Ablation*: setting a part to a fixed
# value, to see what is lost. *BOS*: the token that begins every sequence.
#
# Induction heads were described by [Elhage et al.
# 2021](https://transformer-circuits.pub/2021/framework/index.html), and followed through training
# by [Olsson et al. 2022](https://arxiv.org/abs/2209.11895).

# %%
from autograder import lab

check, hint = lab("m3_induction")

# %%
import math
from itertools import product

import matplotlib.pyplot as plt
import torch
from einops import reduce
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from course import ToyTransformer, plots, zoo

torch.set_grad_enabled(False)  # nothing is trained here


def reveal(predicted, computed):
    """Print a prediction beside what came out."""
    print(f"predicted: {predicted}\ncomputed:  {computed}")


def once_written(function, *arguments):
    """Return what your function answers, or None while it is still to be written."""
    try:
        return function(*arguments)
    except NotImplementedError:
        print(f"{function.__name__} is still to be written")


# %% [markdown]
# ## The task and the specimen
#
# `zoo.repeated_tokens` writes a BOS, then random tokens R, then R again. The number of tokens in
# R is the `period`. With period 3:
#
# | position | 0 | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|---|
# | token | BOS | a | b | c | a | b | c |
#
# So the first copy is at positions 1 to `period`, the second at `period + 1` to `2 * period`. The
# specimen has two layers of four heads and no MLP. It was trained on walks round rings of random
# tokens, with a jump now and then. Below is one of 32 sequences (`distinct=True`: R holds no token
# twice), with the model's best guess of the **next** token under each position.

# %%
model = zoo.load("induction_2l")
d_vocab, period = model.cfg.d_vocab, 10
numbers = torch.Generator().manual_seed(0)
tokens = zoo.repeated_tokens(32, period, d_vocab, numbers, distinct=True)
logits, cache = model.run_with_cache(tokens)

row, guess = tokens[0].tolist(), logits[0].argmax(dim=-1).tolist()
for name, values in (("position", range(len(row))), ("token", row), ("guess", guess)):
    print(f"{name:9}" + "".join(f"{value:4}" for value in values))

assert guess[-6:-1] == row[-5:]  # the last five tokens are predicted
assert all(mine != other for mine, other in zip(guess[1:6], row[2:7], strict=True))

# %% [markdown]
# In the first copy the guess is the first token of R, again and again: a ring comes back to its
# start, and no other next token is likelier. It happens to be right at the end of the copy.
#
# For the controls there are two things in which nothing should be found: a model of the same
# shape that was never trained, and sequences in which no token comes back.

# %%
untrained = ToyTransformer(model.cfg)
_, untrained_cache = untrained.run_with_cache(tokens)

twice_as_long = zoo.repeated_tokens(32, 2 * period, d_vocab, numbers, distinct=True)
unrepeated = twice_as_long[:, : 2 * period + 1]  # its first copy: as many tokens, all different
_, unrepeated_cache = model.run_with_cache(unrepeated)

# %% [markdown]
# ---
# ## Exercise 1. Look one back
# *6 minutes, difficulty 1 of 5, 1 point*
#
# **Claim.** A head that looks one token back is found by averaging one diagonal of its pattern.
#
# **Why it matters.** A picture shows one sequence and takes a person to look at it. A number can
# be averaged over many sequences, and computed for a thousand heads.
#
# `pattern[b, h, q, k]` is how much of its attention head `h` pays, in sequence `b` of the batch,
# from position `q` to position `k`. These are the patterns of layer 0. A head's name is
# `layer.head`.


# %%
def of_layer(layer, note=""):
    return [f"{layer}.{head}{note}" for head in range(model.cfg.n_heads)]


plots.attention_patterns(cache["pattern", 0][0], row, names=of_layer(0), title="Layer 0")
plt.show()

# %% [markdown]
# The score is the average of `pattern[b, h, q, q - 1]`. Position 0 has no token before it, so it
# does not count.
#
# **Predict.** Suppose a head spreads its attention evenly over all it may look at: the whole of
# it at position 0, halves at position 1, thirds at position 2 and so on. What is its score for a
# sequence of 6 tokens?

# %%
predicted_even_score = None  # a number from 0 to 1


# %% exercise="previous_token_score" points=1
def previous_token_score(
    pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "head"]:
    """Average each head's attention to the token before, over the batch and all queries but 0."""
    ### BEGIN SOLUTION
    one_back = pattern.diagonal(-1, dim1=-2, dim2=-1)
    return reduce(one_back, "batch head query -> head", "mean")
    ### END SOLUTION


# %% check
check(previous_token_score)

# %% [markdown]
# **The prediction, and a control.** Even attention pays the token before 1/2, 1/3, 1/4, 1/5 and
# 1/6. A score is worth something only if it is low where the behaviour is absent: in the
# untrained model no head may stand out.

# %%
even = torch.ones(6, 6).tril()
even = even / even.sum(dim=-1, keepdim=True)

if (score := once_written(previous_token_score, even[None, None])) is not None:
    reveal(predicted_even_score, round(score.item(), 3))
    assert math.isclose(score.item(), sum(1 / seen for seen in range(2, 7)) / 5, rel_tol=1e-5)
    trained_scores = previous_token_score(cache["pattern", 0])
    untrained_scores = previous_token_score(untrained_cache["pattern", 0])
    print("trained:  ", [round(score, 2) for score in trained_scores.tolist()])
    print("untrained:", [round(score, 2) for score in untrained_scores.tolist()])
    assert trained_scores.max() > 0.8
    assert untrained_scores.max() < 0.3  # the control

# %% [markdown]
# ---
# ## Exercise 2. The token after the previous occurrence
# *10 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** On a repeated sequence an induction head attends to the token after the previous
# occurrence, `period - 1` places back.
#
# **Why it matters.** Random tokens have no grammar and state no facts. The one thing that helps
# is looking back, so what is measured on them is nothing else.
#
# Now layer 1, on the same sequence:

# %%
plots.attention_patterns(cache["pattern", 1][0], row, names=of_layer(1), title="Layer 1")
plt.show()

# %% [markdown]
# There is a stripe that begins with the second copy. Take period 3 again. At position 4, the
# second `a`, an induction head wants to predict `b`. The first `b` is at position 2: two places
# back. In general, the previous occurrence is `period` places back, and the token after it
# `period - 1`.
#
# The score is the average attention over that stripe: the `period` queries of the second copy,
# each to its own one key. Olsson et al. call it *prefix matching*. It is one half of their
# definition of an induction head; the other is *copying*, to raise the logit of the token that is
# attended to.
#
# **Predict.** Which score has a head that puts all its attention on the previous occurrence
# itself?

# %%
predicted_other_score = None  # a number from 0 to 1


# %% exercise="induction_score" points=2
def induction_score(
    pattern: Float[Tensor, "batch head query key"], period: int
) -> Float[Tensor, "head"]:
    """Average each head's attention to the token after the previous occurrence.

    The tokens are BOS + R + R and R has `period` tokens, so there are 2 * period + 1 positions. The
    average is over the batch and over the queries of the second copy, q = period + 1 to
    2 * period. The token after the previous occurrence is the key q - (period - 1).
    """
    ### BEGIN SOLUTION
    stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)
    second_copy = stripe[..., -period:]
    return reduce(second_copy, "batch head query -> head", "mean")
    ### END SOLUTION


# %% check
check(induction_score)

# %% [markdown]
# **The prediction, and a control.** The head that looks at the previous occurrence sees the wrong
# token, and scores nothing. For the control, no token comes back. Head 1.2 must lose its score
# (the others stay near 0.06, as even attention would). A head that always looked 9 places back
# would keep it, as the previous-token head 0.2 keeps its own: it goes by position.

# %%
positions = 2 * period + 1
same_token = torch.eye(positions).roll(-period, dims=1).tril()

if (score := once_written(induction_score, same_token[None, None], period)) is not None:
    reveal(predicted_other_score, score.item())
    assert score.item() == 0
    repeated_scores = induction_score(cache["pattern", 1], period)
    control_scores = induction_score(unrepeated_cache["pattern", 1], period)
    print("repeated:    ", [round(score, 2) for score in repeated_scores.tolist()])
    print("not repeated:", [round(score, 2) for score in control_scores.tolist()])
    assert repeated_scores.max() > 0.8
    assert control_scores.max() < 0.2  # the control

one_query = unrepeated_cache["pattern", 0][:, :, period + 5, period + 4].mean(dim=0)
assert one_query.max() > 0.8  # layer 0 still looks one back

# %% [markdown]
# ---
# ## Exercise 3. Find the heads
# *12 minutes, difficulty 3 of 5, 2 points*
#
# **Claim.** Two scores and a threshold find every previous-token head and every induction head,
# wherever they sit.
#
# **Why it matters.** In a large model nobody looks at all the pictures. A rule that is written
# down gives the same list to everyone who runs it.
#
# These are all the heads:

# %%
layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
all_patterns = torch.cat([cache["pattern", layer][0] for layer in layers])
head_names = of_layer(0) + of_layer(1)
plots.attention_patterns(all_patterns, names=head_names, title="All heads of the specimen")
plt.show()

# %% [markdown]
# A head belongs to a kind when its score, as exercises 1 and 2 define it, is above 0.5. A model
# may have several heads of a kind, in any layer, or none.
#
# Your function is checked on models made for the purpose, with other numbers of layers and heads.
# Their heads look where they were told to: some are of both kinds, some only just above 0.5 or
# below it.
#
# **Predict**: what will `find_heads` return for the specimen on `unrepeated`?

# %%
predicted_unrepeated = {"previous_token": None, "induction": None}  # sets of pairs: {(0, 3)}


# %% exercise="find_heads" points=2
def find_heads(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> dict[str, set[tuple[int, int]]]:
    """Find a model's previous-token heads and induction heads.

    Args:
        model: any model with attention heads.
        tokens: BOS + R + R in every sequence, where R has `period` tokens.
        period: the length of R.

    Returns:
        {"previous_token": {(layer, head), ...}, "induction": {(layer, head), ...}}, the heads with
        a score above 0.5. Layers and heads count from 0.
    """
    ### BEGIN SOLUTION
    _, cache = model.run_with_cache(tokens)
    found = {"previous_token": set(), "induction": set()}
    for layer in range(model.cfg.n_layers):
        pattern = cache["pattern", layer]
        one_back = pattern.diagonal(-1, dim1=-2, dim2=-1)
        stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)
        for head in range(model.cfg.n_heads):
            if one_back[:, head].mean() > 0.5:
                found["previous_token"].add((layer, head))
            if stripe[:, head, -period:].mean() > 0.5:
                found["induction"].add((layer, head))
    return found
    ### END SOLUTION


# %% check
check(find_heads)

# %% [markdown]
# **The prediction, and two controls.** Where nothing repeats, the search must come back without
# induction heads, and from the untrained model with nothing.

# %%
if (found := once_written(find_heads, model, tokens, period)) is not None:
    found_unrepeated = find_heads(model, unrepeated, period)
    found_untrained = find_heads(untrained, tokens, period)
    reveal(predicted_unrepeated, found_unrepeated)
    print(f"repeated:  {found}\nuntrained: {found_untrained}")
    assert found["previous_token"]
    assert found["induction"]
    assert found_unrepeated == {**found, "induction": set()}
    assert not any(found_untrained.values())

# %% [markdown]
# ---
# ## Exercise 4. Take a head away
# *15 minutes, difficulty 4 of 5, 3 points*
#
# **Claim.** What the model owes to a head is the rise of its loss when the head is taken away,
# and it owes most to few of them.
#
# **Why it matters.** A head may look at the right place and still change nothing. To know what
# the model owes to it, one has to intervene.
#
# First a hook at work on something else. This one forgets the positional embedding. When the
# `with` block ends, the hook is gone.


# %%
def forget(embedding, hook):
    return torch.zeros_like(embedding)


with model.hooks([("hook_pos_embed", forget)]):
    _, lost_cache = model.run_with_cache(tokens)

pairs = torch.cat([cache["pattern", 0][0], lost_cache["pattern", 0][0]])
names = of_layer(0) + of_layer(0, note=", no positions")
plots.attention_patterns(pairs, names=names, title="Layer 0, with and without positions")
plt.show()

assert torch.equal(model(tokens), logits)  # nothing is left behind
assert lost_cache["pattern", 0][:, :, 5, 4].mean(dim=0).max() < 0.3  # nobody looks one back

# %% [markdown]
# To take away a head, set its output to zero. The outputs of all heads of a layer are in
# `blocks.{layer}.attn.hook_z`, with the axes `batch pos head d_head`. A hook may change z in
# place, or return a new one; `model.run_with_hooks(tokens, fwd_hooks=[(name, hook)])` returns the
# logits.
#
# What is lost is measured as a rise of the **loss**: the mean cross-entropy, in nats, over the
# predictions that looking back can get right. At position `period` the model cannot be sure that a
# repetition is about to begin, so that prediction does not count. The first that counts is made
# at `period + 1` about the token at `period + 2`, the last at `2 * period - 1` about the last
# token. `cross_entropy` takes (predictions, d_vocab) and (predictions): join batch and position
# with `.flatten(0, 1)`.
#
# **Predict.** Which heads will cost more than 1 nat? Will one of layer 0 be among them, though none
# of them looks for the previous occurrence?

# %%
predicted_costly_heads = None  # a set of pairs, such as {(0, 3)}


# %% exercise="ablate_heads" points=3
def ablate_heads(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> Float[Tensor, "layer head"]:
    """Measure how much the loss in the second copy rises when one head at a time is taken away.

    Entry [layer, head] is the loss with that head's z set to zero at all positions, minus the loss
    of the intact model. A loss is the mean cross-entropy (nats), over the batch and over the
    predictions made at positions period + 1 to 2 * period - 1, about the tokens at period + 2 to
    2 * period.
    """

    ### BEGIN SOLUTION
    def loss(fwd_hooks):
        logits = model.run_with_hooks(tokens, fwd_hooks=fwd_hooks)[:, period + 1 : -1]
        return cross_entropy(logits.flatten(0, 1), tokens[:, period + 2 :].flatten())

    def without(layer, head):
        def silence(z, hook):
            z[:, :, head] = 0

        return loss([(f"blocks.{layer}.attn.hook_z", silence)])

    heads = range(model.cfg.n_heads)
    rows = [
        torch.stack([without(layer, head) for head in heads]) for layer in range(model.cfg.n_layers)
    ]
    return (torch.stack(rows) - loss([])).detach()
    ### END SOLUTION


# %% check
check(ablate_heads)

# %% [markdown]
# **The prediction, and a control.** Where no token comes back there is nothing to look up, so no
# head may be worth much, nor may any do harm.

# %%
if (rise := once_written(ablate_heads, model, tokens, period)) is not None:
    title, rounded = "Rise of the loss (nats)", rise.round(decimals=2) + 0.0  # no "-0"
    plots.heat_map(rounded, row_axis="layer", column_axis="head", title=title)
    plt.show()
    costly = {at for at in product(layers, heads) if rise[at] > 1}
    reveal(predicted_costly_heads, costly)
    control = ablate_heads(model, unrepeated, period)
    print(f"repeated:     from {rise.min():.2f} to {rise.max():.2f} nats")
    print(f"not repeated: from {control.min():.2f} to {control.max():.2f} nats")
    assert {layer for layer, _ in costly} == {0, 1}
    assert all(rise[at] < 0.1 for at in product(layers, heads) if at not in costly)
    assert control.abs().max() < 0.1  # the control

# %% [markdown]
# Why is head 0.2 needed? It writes into each position which token came before. Head 1.2 finds its
# keys by that note: it asks for the position whose note is the current token. Elhage et al. call
# this **K-composition**. If it is so, head 1.2 is lost once 0.2 writes nothing.


# %%
def silence_head_2(z, hook):
    z[:, :, 2] = 0


with model.hooks([("blocks.0.attn.hook_z", silence_head_2)]):
    _, alone_cache = model.run_with_cache(tokens)

pairs = torch.stack([cache["pattern", 1][0, 2], alone_cache["pattern", 1][0, 2]])
names = ["1.2", "1.2 without 0.2"]
plots.attention_patterns(pairs, row, names=names, columns=2, title="K-composition")
plt.show()

second_copy = torch.arange(period + 1, 2 * period + 1)
stripes = [
    kept["pattern", 1][:, 2, second_copy, second_copy - period + 1].mean().item()
    for kept in (cache, alone_cache)
]
print(f"induction score of 1.2: {stripes[0]:.2f}, without 0.2: {stripes[1]:.2f}")
assert stripes[0] > 0.8
assert stripes[1] < 0.1

# %% [markdown]
# ---
# ## Exercise 5. In-context learning, from outside
# *10 minutes, difficulty 2 of 5, 2 points*
#
# **Claim.** A model that learns from its context predicts a late token better than an early one:
# its score is below zero.
#
# **Why it matters.** The score needs logits only, so it can be followed through the training of
# any model. In the models of Olsson et al. it drops at the time when induction heads appear.
#
# Olsson et al. take the loss on the 500th token minus that on the 50th, over natural text; here
# the two places are arguments, `late` and `early`. Mind the shift: the
# logits at a position are about the **next** token. In the sequence `BOS a b`, the logits at
# position 0 are a guess about `a`, and those at position 1 a guess about `b`.
#
# **Predict.** The tokens of R are drawn evenly from all but the BOS, none twice. A model guesses
# the second token of R as well as one can, and is certain of the last token of the sequence. What
# is its score between the two?

# %%
predicted_score = None  # a number, in nats
print(d_vocab - 1, "tokens besides the BOS")


# %% exercise="in_context_learning_score" points=2
def in_context_learning_score(
    logits: Float[Tensor, "batch pos d_vocab"],
    tokens: Int[Tensor, "batch pos"],
    early: int,
    late: int,
) -> Float[Tensor, ""]:
    """Return the loss on token `late` minus that on token `early`, averaged over the batch.

    `early` and `late` are indices into `tokens`, from 1 on. The loss on a token is minus the
    natural logarithm of the probability that the model gave to it before it read it.
    """
    ### BEGIN SOLUTION
    late_loss = cross_entropy(logits[:, late - 1], tokens[:, late])
    early_loss = cross_entropy(logits[:, early - 1], tokens[:, early])
    return late_loss - early_loss
    ### END SOLUTION


# %% check
check(in_context_learning_score)

# %% [markdown]
# **The prediction, and two controls.** With `early` = 1 and every `late`, your function draws the
# whole curve of the loss, less a constant. The untrained model does not learn from its context,
# and the trained one cannot where nothing is repeated.


# %%
def curve(model, tokens):
    logits = model(tokens)
    later = range(1, tokens.shape[1])
    return torch.stack([in_context_learning_score(logits, tokens, 1, late) for late in later])


if once_written(in_context_learning_score, logits, tokens, 2, 2 * period) is not None:
    reveal(predicted_score, round(-math.log(d_vocab - 2), 3))  # all but the BOS and the first
    curves = {
        "specimen": curve(model, tokens),
        "specimen, not repeated": curve(model, unrepeated),
        "untrained": curve(untrained, tokens),
    }
    title = "Loss of the guess made at each position, less that at position 0"
    plots.loss_by_position(curves, mark={"second copy": period + 1}, title=title)
    plt.show()
    assert curves["specimen"][-1] < -2
    assert curves["specimen, not repeated"][-1] > -0.5
    assert curves["untrained"][-1] > -0.5

# %% [markdown]
# ---
# ## Exercise 6. What the BOS is for
# *15 minutes, difficulty 3 of 5, 2 points*
#
# **Claim.** Without a BOS, position 0 can only name itself as its own predecessor, and what the
# hand-built circuit loses by that follows from its weights.
#
# **Why it matters.** The rows of a pattern sum to one, so a head must look somewhere even when it
# finds nothing. Many models look at the BOS then. Whoever forgets the BOS may study a model in
# a state it was not made for; how much that changes differs between models.
#
# The model `induction_by_hand` was written, not trained. Head 0.0 looks one place back and notes
# which token stands there. Head 1.0 looks for a place whose note is its own current token, and
# predicts the token at that place. When there is no such place, it **rests** on position 0.

# %%
by_hand = zoo.load("induction_by_hand")
hand_period = 8
hand_tokens = zoo.repeated_tokens(32, hand_period, by_hand.cfg.d_vocab, numbers, distinct=True)
_, hand_cache = by_hand.run_with_cache(hand_tokens)

hand_row = ["BOS", *hand_tokens[0, 1:].tolist()]
both = torch.cat([hand_cache["pattern", 0][0], hand_cache["pattern", 1][0]])
plots.attention_patterns(both, hand_row, names=["0.0", "1.0"], columns=2, title="With the BOS")
plt.show()

resting = hand_cache["attn_scores", 1][:, 0, 1 : hand_period + 1, 0]
assert torch.allclose(resting, torch.full_like(resting, 15.0))  # the score of position 0
assert hand_cache["pattern", 1][:, 0, : hand_period + 1, 0].min() > 0.99  # rests in the first copy

# %% [markdown]
# Now take the BOS away, so that the first token of R stands at position 0. Three facts about the
# weights are enough to say what happens:
# - at position 0, head 0.0 can only look at position 0 itself, so it notes there that the token
#   is its own predecessor;
# - in head 1.0, a place with the right note has a score of 30, and position 0 has 15 on top of
#   what it has anyway;
# - every other score is 0.
#
# **Predict.** R has T different tokens. Of the T - 1 predictions inside the second copy (all its
# tokens but the first), which part is right with the BOS, and which without? Say it for T = 4, 8
# and 16. Why does the loss depend on T?

# %%
predicted_accuracies = {4: (None, None), 8: (None, None), 16: (None, None)}  # T: (with, without)


# %% [markdown]
# Now measure it. In the sequences that the check uses, some tokens of the second copy are
# replaced, so that no model is right everywhere. Count these predictions like all others.


# %% exercise="bos_accuracy" points=2
def bos_accuracy(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> tuple[float, float]:
    """Return the accuracy inside the second copy with the BOS, and that without it.

    The first number is for the model run on `tokens`: BOS + R + R, where R has `period` tokens. The
    second is for the model run on the same tokens without the BOS, one position fewer. The
    predictions that count are the same in both runs: those about the last period - 1 tokens. A
    prediction is right if the arg max of the logits at a position is the next token.
    """

    ### BEGIN SOLUTION
    def accuracy(tokens, first):
        guess = model(tokens).argmax(dim=-1)
        right = guess[:, first:-1] == tokens[:, first + 1 :]
        return right.double().mean().item()

    return accuracy(tokens, period + 1), accuracy(tokens[:, 1:], period)
    ### END SOLUTION


# %% check
check(bos_accuracy)

# %% [markdown]
# The same without the BOS. When the first token comes back, position 0 has both the right note
# and the resting score. Head 1.0 attends to it, and predicts the token that it stands on.

# %%
_, bare_cache = by_hand.run_with_cache(hand_tokens[:, 1:])
bare = torch.cat([bare_cache["pattern", 0][0], bare_cache["pattern", 1][0]])
names = ["0.0", "1.0"]
plots.attention_patterns(bare, hand_row[1:], names=names, columns=2, title="Without the BOS")
plt.show()

assert bare[1, hand_period, 0] > 0.99  # the first token, come back: the wrong place
assert bare[1, hand_period + 1, 2] > 0.99  # the next one: the right place

# %% [markdown]
# **The prediction, and three controls.** One of T - 1 predictions is wrong, so (T - 2) / (T - 1)
# are right. The resting place alone is not to blame: head 1.0 still rests on position 0, without
# harm until the token there comes back. So any token may stand in for the BOS that does not come
# back; and without the BOS nothing is lost if head 0.0 writes no note at position 0. In sequences
# whose second copy runs backwards, nearly nothing may be right.


# %%
def no_note_at_0(z, hook):
    z[:, 0] = 0


measured = {}
for length in predicted_accuracies:
    rows = zoo.repeated_tokens(32, length, by_hand.cfg.d_vocab, numbers, distinct=True)
    measured[length] = once_written(bos_accuracy, by_hand, rows, length)

if None not in measured.values():
    rounded = {length: tuple(round(part, 3) for part in pair) for length, pair in measured.items()}
    reveal(predicted_accuracies, rounded)
    for length, (with_bos, without_bos) in measured.items():
        assert with_bos == 1
        assert math.isclose(without_bos, (length - 2) / (length - 1), rel_tol=1e-6)

    stand_in = hand_tokens.clone()
    for sequence in stand_in.unbind():
        absent = set(range(1, by_hand.cfg.d_vocab)) - set(sequence.tolist())
        sequence[0] = min(absent)
    stood_in, _ = bos_accuracy(by_hand, stand_in, hand_period)

    with by_hand.hooks([("blocks.0.attn.hook_z", no_note_at_0)]):
        _, without_note = bos_accuracy(by_hand, hand_tokens, hand_period)

    first_copy = hand_tokens[:, 1 : hand_period + 1]
    backwards = torch.cat([hand_tokens[:, :1], first_copy, first_copy.flip(1)], dim=1)
    turned, _ = bos_accuracy(by_hand, backwards, hand_period)
    print(f"stand-in: {stood_in:.3f}; no BOS, no note at 0: {without_note:.3f}")
    print(f"backwards: {turned:.3f}")
    trained_pair = bos_accuracy(model, tokens, period)
    print(f"trained specimen: {trained_pair[0]:.3f} with the BOS, {trained_pair[1]:.3f} without")
    assert stood_in == without_note == 1
    assert turned < 0.1
    assert trained_pair[1] > 0.98

# %% [markdown]
# The trained specimen hardly misses the BOS: its circuit is the same in kind, not in this weakness.

# %% [markdown]
# ---
# ## Exercise 7. Write the head
# *15 minutes, difficulty 4 of 5, 3 points*
#
# **Claim.** Given a previous-token head, four matrices written from what the directions mean are
# an induction head.
#
# **Why it matters.** Whoever can write a mechanism down has understood it, and can compare it
# with what training found.
#
# In the hand-built model every direction of the residual stream means one thing. For each token
# `i` there are three:
#
# | direction | says | written by |
# |---|---|---|
# | `token[i]` | token `i` stands here | the embedding |
# | `previous[i]` | token `i` stands one place back | head 0.0 |
# | `output[i]` | token `i` comes next | head 1.0 |
#
# A head does two things with them. Where it looks is decided by `W_Q` and `W_K`: the score of a
# query and a key is the dot product of `x_query @ W_Q` and `x_key @ W_K`, divided by the square
# root of `d_head`. What it moves is decided by `W_V` and `W_O`: from a position with the vector
# `x` comes `x @ W_V @ W_O`, times the attention to it.
#
# Both can be read off the weights. Here they are for head 1.0 of the hand-built model and the
# tokens 1 to 8: the score of each current token with each previous token, and the logits that
# come of attending to each token.

# %%
W_E = by_hand.embed.W_E
noted = W_E @ by_hand.W_V[0, 0] @ by_hand.W_O[0, 0]
queries, keys = W_E @ by_hand.W_Q[1, 0], noted @ by_hand.W_K[1, 0]
hand_scores = queries @ keys.T / by_hand.cfg.d_head**0.5
hand_logits = W_E @ by_hand.W_V[1, 0] @ by_hand.W_O[1, 0] @ by_hand.unembed.W_U

shown = range(1, 9)
figure, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
pictures = (
    (hand_scores, "score", "token at the query", "token before the key"),
    (hand_logits, "logit", "token at the key", "token predicted"),
)
for ax, (table, title, down, across) in zip(axes, pictures, strict=True):
    plots.heat_map(
        table[1:9, 1:9],
        rows=shown,
        columns=shown,
        row_axis=down,
        column_axis=across,
        title=title,
        ax=ax,
    )
plt.show()

assert torch.allclose(hand_scores[1:, 1:], 30 * torch.eye(by_hand.cfg.d_vocab - 1).double())

# %% [markdown]
# You write such a head for other directions. They are of length one and at right angles, within
# and between the three kinds, but they do not lie along the axes. With `d_head` = `d_vocab`, the
# head must do this:
#
# 1. A query at token `i` and a key whose **previous** token is `i` have the score `match`, after
#    the division by the square root of `d_head`. All other pairs of the given directions have
#    score 0.
# 2. A key at token `i` that has all the attention adds `output[i]` to the stream, once.
# 3. The head reads and writes nothing else. It needs no place to rest, and the BOS, row 0, is a
#    token like any other.
#
# Many sets of four matrices do this: a change of basis inside the head cancels out. Only the
# products `W_Q @ W_K.T` and `W_V @ W_O` are compared.
#
# **Predict.** Of `token`, `previous` and `output`, which does `W_K` read, and which does `W_V`?

# %%
predicted_reads = {"W_K": None, "W_V": None}


# %% exercise="induction_head_weights" points=3
def induction_head_weights(
    token: Float[Tensor, "d_vocab d_model"],
    previous: Float[Tensor, "d_vocab d_model"],
    output: Float[Tensor, "d_vocab d_model"],
    match: float,
) -> dict[str, Tensor]:
    """Write the weights of an induction head for given directions of the residual stream.

    Args:
        token: row i is the direction that says "token i stands here".
        previous: row i is the direction that says "token i stands one place back".
        output: row i is the direction that says "token i comes next".
        match: the attention score, after the division by sqrt(d_head), of a query at token i and a
            key whose previous token is i.

    Returns:
        W_Q, W_K, W_V (d_model d_head) and W_O (d_head d_model) by name, with d_head = d_vocab.
    """
    ### BEGIN SOLUTION
    d_head = token.shape[0]
    return {
        "W_Q": match * d_head**0.5 * token.T,
        "W_K": previous.T,
        "W_V": token.T,
        "W_O": output,
    }
    ### END SOLUTION


# %% check
check(induction_head_weights)

# %% [markdown]
# **The prediction, and a control.** `W_K` reads what stands before the key, `W_V` what stands at
# it. The control asks your head about the same token: a head that matched it would look for the
# previous occurrence itself, and predict what the model has just read. Last, your head takes the
# place of head 1.0 in the hand-built model. It is padded with zeros to that model's larger
# `d_head`, whose root the scores are divided by.

# %%
basis = torch.linalg.qr(torch.randn(20, 20, generator=numbers)).Q
token, previous, output, unused = basis.split((6, 6, 6, 2))

if (head := once_written(induction_head_weights, token, previous, output, 12.0)) is not None:
    reveal(predicted_reads, {"W_K": "previous", "W_V": "token"})
    W_QK, W_OV = head["W_Q"] @ head["W_K"].T / 6**0.5, head["W_V"] @ head["W_O"]
    assert torch.allclose(token @ W_QK @ previous.T, 12 * torch.eye(6), atol=1e-4)
    assert torch.allclose(token @ W_OV, output, atol=1e-5)
    assert (token @ W_QK @ token.T).abs().max() < 1e-4  # the control
    assert (torch.cat([previous, unused]) @ W_OV).abs().max() < 1e-5

    yours = zoo.load("induction_by_hand")
    says_next = by_hand.unembed.W_U.T / by_hand.unembed.W_U.norm(dim=0)[:, None]
    head = induction_head_weights(W_E, noted, says_next, 30.0)
    attn, size = yours.blocks[1].attn, len(W_E)
    for weight in (attn.W_Q, attn.W_K, attn.W_V, attn.W_O, attn.b_Q):
        weight.zero_()
    attn.W_Q[0, :, :size] = head["W_Q"] * (by_hand.cfg.d_head / size) ** 0.5
    attn.W_K[0, :, :size], attn.W_V[0, :, :size] = head["W_K"], head["W_V"]
    attn.W_O[0, :size] = head["W_O"]
    for length in (4, 8, 16):
        rows = zoo.repeated_tokens(32, length, by_hand.cfg.d_vocab, numbers, distinct=True)
        right = yours(rows).argmax(dim=-1)[:, length + 1 : -1] == rows[:, length + 2 :]
        print(f"your head in the hand-built model, T = {length}: {right.double().mean():.3f} right")
        assert right.all()

# %% [markdown]
# ---
# ## What you have seen
# - Two numbers for each head find the circuit: attention to the previous token, and attention to
#   the token after the previous occurrence.
# - Taking heads away says what attention cannot: the specimen needs heads of both kinds, for the
#   induction head finds its keys by what the previous-token head wrote.
# - The circuit that was built by hand fails without a BOS as its weights say it must: where the
#   token at position 0 comes back.
# - Four matrices are enough to write an induction head down, given a previous-token head.
#
# ## What this does not show
# - The induction score measures where a head looks. That it copies what it finds there, the other
#   half of Olsson et al.'s definition, was seen only in the weights of the hand-built head.
# - These sequences hold a repetition and nothing else. That a head scores high on them does not
#   mean that it does only this in other text.
# - A head set to zero puts the model in a state it never met in training. A rise of the loss says
#   that something depends on the head, not what the head computes. Other kinds of ablation can
#   give another order; `m3_patching` compares them.
# - The in-context-learning score is about behaviour. Whatever mechanism uses the context lowers
#   it.
# - One trained model and one written by hand do not say how often training finds this circuit, or
#   what it does in large models. Read Olsson et al. 2022 for that: their evidence is causal for
#   small attention-only models, and mainly correlational for large ones with MLPs.
