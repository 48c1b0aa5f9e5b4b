# %% [markdown]
# # Induction heads
#
# A model reads a sequence of random tokens and then the same sequence once more. The first time
# it can only guess. The second time it could know every token, if it looked back to where it was
# before and read what came next. In this lab you find the two heads of a trained model that do
# this, take them away, and write the weights of one by hand. Time: about 75 minutes.
#
# **You need** attention patterns and hooks (lab `m0_toy_transformer`).
#
# **You will be able to**
# - turn the picture of an attention pattern into a number, and search a whole model with it;
# - measure what a head is worth by ablating it;
# - measure in-context learning without looking inside;
# - write the weights of an induction head.
#
# **Key terms**
# - *Pattern*: a head's table of attention. The row is the *query*, the position that looks; the
#   column is the *key*, the position that is looked at. Each row sums to 1.
# - *Previous-token head*: a head that looks one position back.
# - *Induction head*: a head that looks for an earlier occurrence of the current token, attends to
#   the token *after* it, and predicts that token again: `... a b ... a` gives `b`.
# - *Ablation*: setting part of a model to a fixed value, to see what is lost.
# - *BOS*: a special token at the beginning of every sequence.
#
# Induction heads were described by [Elhage et al.
# 2021](https://transformer-circuits.pub/2021/framework/index.html) and studied during training by
# [Olsson et al. 2022](https://arxiv.org/abs/2209.11895).

# %%
from autograder import lab

check, hint = lab("m3_induction")

# %%
import einops
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from course import ToyTransformer, plots, zoo

# %% [markdown]
# ## The task
# `zoo.repeated_tokens` writes a BOS, then `period` random tokens, R, then R again. With period 3:
#
# | position | 0 | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|---|
# | token | BOS | a | b | c | a | b | c |
#
# The first copy is at positions 1 to `period`, the second at `period + 1` to `2 * period`. The
# model has two layers of four heads, no MLP, and was trained on such sequences. Here is one of
# them, with the model's best guess for the next token under each position.

# %%
model = zoo.load("induction_2l")
period = 10
generator = torch.Generator().manual_seed(0)
tokens = zoo.repeated_tokens(16, period, model.cfg.d_vocab, generator, distinct=True)
positions = tokens.shape[1]

logits, cache = model.run_with_cache(tokens)
row, guess = tokens[0].tolist(), logits[0].argmax(dim=-1).tolist()
for name, values in (("position", range(positions)), ("token", row), ("guess", guess)):
    print(f"{name:9}" + "".join(f"{value:4}" for value in values))

assert guess[-6:-1] == row[-5:], "the last five guesses are right"
assert guess[1:6] != row[2:7], "the first ones are not"

# %% [markdown]
# For comparison you need what ought to show nothing: a model of the same shape that was never
# trained, and sequences whose second half is not a repetition.

# %%
untrained = ToyTransformer(model.cfg)
_, untrained_cache = untrained.run_with_cache(tokens)

other = zoo.repeated_tokens(16, period, model.cfg.d_vocab, generator, distinct=True)
unrepeated = torch.cat([tokens[:, : period + 1], other[:, period + 1 :]], dim=1)
_, unrepeated_cache = model.run_with_cache(unrepeated)

# %% [markdown]
# ## 1. Look one back
# Here are the patterns of layer 0 on that sequence. `pattern[b, h, q, k]` is how much of its
# attention head `h` pays, in sequence `b`, from position `q` to position `k`. Nothing lies above
# the diagonal: a position cannot look ahead.

# %%
plots.attention_patterns(cache["pattern", 0][0], row, title="layer 0")

# %% [markdown]
# **Why it matters.** A picture shows one sequence and takes a person to read it. A number can be
# averaged over a batch and computed for a thousand heads.
#
# **Predict** before you write code: which head of layer 0 looks one back? And what would the
# average attention to the token before be for a head that spreads its attention evenly, over 6
# positions?
#
# **Write** `previous_token_score`. Position 0 has no token before it, so it does not count.

# %% exercise="previous_token_score" points=1
def previous_token_score(
    pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "head"]:
    """Average each head's attention from a position to the one before it.

    The average is over the batch and over all queries except position 0.
    """
    ### BEGIN SOLUTION
    one_back = pattern.diagonal(-1, dim1=-2, dim2=-1)
    return einops.reduce(one_back, "batch head query -> head", "mean")
    ### END SOLUTION


# %% check
check(previous_token_score)

# %% [markdown]
# **A control that must fail.** A score is worth something only if it is low where the behaviour
# is absent. Even attention over 6 positions pays the token before 1/2, 1/3, 1/4, 1/5 and 1/6:
# 0.29 on average. An untrained model's heads should come close to even attention. (Controls call
# your function: run them once the check passes.)

# %%
even = torch.ones(6, 6).tril()
even = even / even.sum(dim=-1, keepdim=True)
assert abs(previous_token_score(even[None, None]).item() - 0.29) < 0.005

for name, each in (("trained", cache), ("untrained", untrained_cache)):
    scores = previous_token_score(each["pattern", 0])
    print(f"{name:10} layer 0:", [round(score, 2) for score in scores.tolist()])
assert previous_token_score(cache["pattern", 0]).max() > 0.8
assert previous_token_score(untrained_cache["pattern", 0]).max() < 0.3

# %% [markdown]
# ## 2. The token after the previous occurrence
# Now layer 1, on the same sequence.

# %%
plots.attention_patterns(cache["pattern", 1][0], row, title="layer 1")

# %% [markdown]
# One stripe starts where the second copy starts. Take period 3 again. At position 4, the second
# `a`, an induction head wants to predict `b`. The information is at position 2, the first `b`:
# two places back. In general the token after the previous occurrence is `period - 1` places back,
# not `period`.
#
# **Why it matters.** Random tokens have no grammar and no facts. Looking back is all that helps,
# so attention in that stripe can have no other cause.
#
# **Predict.** What score does a head get that always attends to the previous occurrence of its
# own token?

# %% exercise="induction_score" points=2
def induction_score(
    pattern: Float[Tensor, "batch head query key"], period: int
) -> Float[Tensor, "head"]:
    """Average each head's attention to the token after the previous occurrence.

    The sequence is BOS + R + R, where R has `period` tokens, so there are 2 * period + 1 positions.
    The average is over the batch and over the `period` queries of the second copy, q = period + 1
    to 2 * period. Each should attend to key q - (period - 1).
    """
    ### BEGIN SOLUTION
    stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)
    second_copy = stripe[..., -period:]
    return einops.reduce(second_copy, "batch head query -> head", "mean")
    ### END SOLUTION


# %% check
check(induction_score)

# %% [markdown]
# **A control that must fail.** Where the second copy is replaced by other random tokens, nothing
# is repeated in step, and the same head must lose its score. The previous-token head must keep
# its own: it goes by position, not by content.

# %%
for name, each in (("repeated", cache), ("not repeated", unrepeated_cache)):
    scores = induction_score(each["pattern", 1], period)
    print(f"{name:13} layer 1:", [round(score, 2) for score in scores.tolist()])
assert induction_score(cache["pattern", 1], period).max() > 0.8
assert induction_score(unrepeated_cache["pattern", 1], period).max() < 0.2
assert previous_token_score(unrepeated_cache["pattern", 0]).max() > 0.8

# %% [markdown]
# ## 3. Search the whole model
# Where do such heads sit in a model that you have not looked at? Below are all eight heads of
# this one, named layer.head.
#
# **Why it matters.** On a larger model nobody looks at all the pictures. A score with a threshold
# can be run on every head, and two people who run it get the same list.
#
# **Predict.** From the picture, write down both sets. Then let your function find them. (You are
# graded on copies of this model with the heads in another order and the tokens renumbered.)

# %%
every_pattern = torch.cat([cache["pattern", layer][0] for layer in range(model.cfg.n_layers)])
names = [f"{layer}.{head}" for layer in range(2) for head in range(4)]
plots.attention_patterns(every_pattern, names=names, title="all heads")


# %% exercise="find_heads" points=2
def find_heads(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> dict[str, set[tuple[int, int]]]:
    """Find the previous-token heads and the induction heads of a model.

    Args:
        model: any model with attention heads.
        tokens: BOS + R + R, where R has `period` tokens.
        period: length of R.

    Returns:
        {"previous_token": {(layer, head), ...}, "induction": {(layer, head), ...}}: the heads whose
        score, as defined in exercises 1 and 2, is above 0.5. Layers and heads count from 0.
    """
    ### BEGIN SOLUTION
    _, cache = model.run_with_cache(tokens)
    found = {"previous_token": set(), "induction": set()}
    for layer in range(model.cfg.n_layers):
        pattern = cache["pattern", layer]
        one_back = pattern.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, -1))
        stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)
        induction = stripe[..., -period:].mean(dim=(0, -1))
        for head in range(model.cfg.n_heads):
            if one_back[head] > 0.5:
                found["previous_token"].add((layer, head))
            if induction[head] > 0.5:
                found["induction"].add((layer, head))
    return found
    ### END SOLUTION


# %% check
check(find_heads)

# %% [markdown]
# **A control that must fail.** The search has to come back empty from a model that has learnt
# nothing, and without induction heads from sequences that do not repeat.

# %%
found = find_heads(model, tokens, period)
print(found)
assert found["previous_token"]
assert found["induction"]
assert find_heads(untrained, tokens, period) == {"previous_token": set(), "induction": set()}
assert find_heads(model, unrepeated, period) == {**found, "induction": set()}

# %% [markdown]
# ## 4. Take a head away
# Attention shows where a head looks, not what the model loses without it. To see that, run the
# model with the head silenced: a hook sets the head's output `z` to zero. (`z`, at
# `blocks.{layer}.attn.hook_z`, has the axes batch, pos, head, d_head, so it holds all heads of a
# layer.)
#
# Here is a hook at work on something else, the positional embedding. A hook takes an activation
# and returns what replaces it. When the `with` block ends, it is gone.

# %%
def forget_positions(embedding, hook):
    return torch.zeros_like(embedding)


with model.hooks(fwd_hooks=[("hook_pos_embed", forget_positions)]):
    _, edited = model.run_with_cache(tokens)

patterns = torch.cat([cache["pattern", 0][0], edited["pattern", 0][0]])
names = [f"{head}" for head in range(4)] + [f"{head}, no positions" for head in range(4)]
plots.attention_patterns(patterns, names=names, title="layer 0")
assert torch.equal(model(tokens), logits), "the hook is gone"

# %% [markdown]
# Now for the heads. The measure is the rise of the loss, the mean cross-entropy in nats, over the
# predictions that can be made by looking back. At position `period` the model cannot know that a
# repetition is about to begin. The first prediction that counts is made at `period + 1`, about
# the token at `period + 2`; the last is made at `2 * period - 1`, about the last token.
#
# **Why it matters.** A head can attend to the right place and still have no effect on the output.
# Only an intervention tells the two apart.
#
# **Predict.** Which heads will cost the model its predictions? Will a head in layer 0 matter,
# though it never looks at the token to be predicted?

# %% exercise="ablate_heads" points=3
def ablate_heads(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> Float[Tensor, "layer head"]:
    """Measure how much the loss on the second copy rises when each head is silenced, one at a time.

    Entry [layer, head] is the loss with that head's z set to zero at all positions, minus the loss
    of the intact model. The loss is the mean cross-entropy (nats), over the batch, of the
    predictions made at positions period + 1 to 2 * period - 1 about the tokens at period + 2 to
    2 * period.
    """
    ### BEGIN SOLUTION
    def second_copy_loss(fwd_hooks) -> Float[Tensor, ""]:
        logits = model.run_with_hooks(tokens, fwd_hooks=fwd_hooks)[:, period + 1 : -1]
        return cross_entropy(logits.flatten(0, 1), tokens[:, period + 2 :].flatten())

    def silence(layer: int, head: int):
        def edit(z, hook):
            z[:, :, head] = 0.0
            return z

        return f"blocks.{layer}.attn.hook_z", edit

    with torch.no_grad():
        intact = second_copy_loss([])
        rows = [
            torch.stack(
                [second_copy_loss([silence(layer, head)]) for head in range(model.cfg.n_heads)]
            )
            for layer in range(model.cfg.n_layers)
        ]
    return torch.stack(rows) - intact
    ### END SOLUTION


# %% check
check(ablate_heads)

# %% [markdown]
# **A control that must fail.** Where nothing is repeated, the circuit has nothing to look up, and
# no head may be worth much.

# %%
rise = ablate_heads(model, tokens, period)
plots.heat_map(rise, row_axis="layer", column_axis="head", title="rise of the loss (nats)")
control = ablate_heads(model, unrepeated, period)
print("largest rise, repeated:     ", round(rise.max().item(), 2))
print("largest rise, not repeated: ", round(control.max().item(), 2))
for role in ("previous_token", "induction"):
    assert max(rise[at] for at in found[role]) > 1.0
assert control.max() < 0.5

# %% [markdown]
# ## 5. In-context learning, from outside
# The name *in-context learning* stands for a behaviour: what a model reads early in a text makes
# it better at what comes later. Olsson et al. measure it with one number, the loss on a late
# token minus the loss on an early one. Below zero means that the model learns as it reads.
#
# Mind the shift: the logits at a position are about the *next* token. With tokens `BOS a b` the
# logits at position 0 are a guess about `a`, and those at position 1 a guess about `b`.
#
# **Why it matters.** The score needs logits only, so it can be followed through training on any
# model. That is how the authors saw induction heads and in-context learning appear together.
#
# **Predict.** The vocabulary has this many tokens besides the BOS, all equally likely. What is
# the best possible loss on the second token of R? And on the last token of the sequence?

# %%
model.cfg.d_vocab - 1


# %% exercise="in_context_learning_score" points=2
def in_context_learning_score(
    logits: Float[Tensor, "batch pos d_vocab"],
    tokens: Int[Tensor, "batch pos"],
    early: int,
    late: int,
) -> Float[Tensor, ""]:
    """Measure how much lower the loss is on a late token than on an early one.

    The score is the mean over the batch of the loss on token `late` minus the loss on token
    `early` (below zero if the model learns from its context). Both are indices into `tokens`, from
    1 on. A loss is minus the natural logarithm of the probability given to the token.
    """
    ### BEGIN SOLUTION
    late_loss = cross_entropy(logits[:, late - 1], tokens[:, late])
    early_loss = cross_entropy(logits[:, early - 1], tokens[:, early])
    return late_loss - early_loss
    ### END SOLUTION


# %% check
check(in_context_learning_score)

# %% [markdown]
# Your function is enough to draw the whole curve: the loss at every position, relative to token
# 1.
#
# **A control that must fail.** The untrained model has no use for its context, and neither has
# the trained one where nothing is repeated.

# %%
def curve(model, tokens):
    logits = model(tokens)
    steps = range(1, tokens.shape[1])
    return torch.stack([in_context_learning_score(logits, tokens, 1, late) for late in steps])


curves = {
    "trained": curve(model, tokens),
    "trained, not repeated": curve(model, unrepeated),
    "untrained": curve(untrained, tokens),
}
plots.loss_by_position(curves, mark={"second copy": period}, title="loss relative to token 1")
last = {name: values[-1].item() for name, values in curves.items()}
print({name: round(value, 2) for name, value in last.items()})
assert last["trained"] < -2.0
assert last["trained, not repeated"] > -0.5
assert last["untrained"] > -0.5

# %% [markdown]
# ## 6. What the BOS is for
# Every row of a pattern sums to 1, so a head has to look somewhere even when it finds nothing.
# The model `induction_by_hand` was written, not trained: head 0.0 looks one back, head 1.0
# matches, and head 1.0 *rests* on position 0 when nothing matches. Queries of the first copy find
# nothing:

# %%
by_hand = zoo.load("induction_by_hand")
hand_period = 8
hand_tokens = zoo.repeated_tokens(32, hand_period, by_hand.cfg.d_vocab, generator, distinct=True)
_, hand_cache = by_hand.run_with_cache(hand_tokens)
labels = ["BOS", *map(str, hand_tokens[0, 1:].tolist())]
patterns = torch.cat([hand_cache["pattern", 0][0], hand_cache["pattern", 1][0]])
plots.attention_patterns(patterns, labels, names=["0.0", "1.0"], columns=2, title="by hand")

assert hand_cache["pattern", 1][:, 0, : hand_period + 1, 0].min() > 0.99

# %% [markdown]
# Now take the BOS away. The first token of R stands at position 0, where the heads rest, and
# nothing stands before it. Three facts about the weights are enough to say what happens:
# - head 0.0 at position 0 can only look at position 0 itself, so it notes the token there as its
#   own predecessor;
# - in head 1.0 a match has the score 30, and position 0 has 15 on top of what it has anyway;
# - every other score is 0, and the token that head 1.0 attends to is the one predicted.
#
# **Predict** both accuracies for T = 8 distinct tokens, over the T - 1 predictions inside the
# second copy (the tokens after its first). Then for T = 4 and T = 16: why is the loss not the
# same?

# %%
my_prediction = {
    "T = 4, with and without BOS": None,
    "T = 8, with and without BOS": None,
    "T = 16, with and without BOS": None,
}

# %% [markdown]
# **Why it matters.** A BOS, or whatever stands first, draws much attention in large models too. A
# study that feeds them text without it measures another mechanism than the one that is used.
#
# **Write** the measurement. (In the graded cases some tokens of the second copy are replaced, so
# that a model cannot be right everywhere; count those like all others.)

# %% exercise="bos_accuracy" points=2
def bos_accuracy(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], period: int
) -> tuple[float, float]:
    """Measure the accuracy inside the second copy, with the BOS and without.

    The first number is for the model run on `tokens`: BOS + R + R, where R has `period` tokens. The
    second is for the model run on the same tokens less the BOS. A prediction is right if the arg
    max of the logits at a position is the next token. In both runs the predictions that count are
    those of the last period - 1 tokens, that is, of the second copy without its first token.
    """
    ### BEGIN SOLUTION
    def accuracy(tokens: Int[Tensor, "batch pos"], first: int) -> float:
        guess = model(tokens).argmax(dim=-1)
        right = guess[:, first:-1] == tokens[:, first + 1 :]
        return right.double().mean().item()

    return accuracy(tokens, period + 1), accuracy(tokens[:, 1:], period)
    ### END SOLUTION


# %% check
check(bos_accuracy)

# %% [markdown]
# Here is head 1.0 without the BOS. When the first token returns, position 0 has both the match
# and the resting score, so the head attends to it and predicts the token that it stands on. That
# is one wrong prediction of the T - 1.

# %%
_, bare_cache = by_hand.run_with_cache(hand_tokens[:, 1:])
bare = bare_cache["pattern", 1][0]
plots.attention_patterns(bare, labels[1:], names=["1.0"], columns=2, title="by hand, without BOS")
assert bare[0, hand_period, 0] > 0.99, "the returning first token attends to position 0"
assert bare[0, hand_period + 1, 2] > 0.99, "the next one attends where it should"

# %% [markdown]
# **Controls.** The accuracies must be 1 and (T - 2) / (T - 1). Any other token in place of the
# BOS must do as well, as long as it does not come back: what the head needs is a place to rest.
# And where the second copy runs backwards, the accuracy must be near 0.

# %%
for length in (4, 8, 16):
    some = zoo.repeated_tokens(32, length, by_hand.cfg.d_vocab, generator, distinct=True)
    with_bos, without = bos_accuracy(by_hand, some, length)
    print(f"T = {length:2}: {with_bos:.3f} with, {without:.3f} without")
    assert with_bos == 1
    assert abs(without - (length - 2) / (length - 1)) < 1e-6

stand_in = hand_tokens.clone()
for sequence in stand_in:
    sequence[0] = next(token for token in range(1, 24) if token not in sequence)
assert bos_accuracy(by_hand, stand_in, hand_period)[0] == 1

first_copy = hand_tokens[:, 1 : hand_period + 1]
backwards = torch.cat([hand_tokens[:, :1], first_copy, first_copy.flip(1)], dim=1)
assert bos_accuracy(by_hand, backwards, hand_period)[0] < 0.1

# %% [markdown]
# ## 7. Write the head
# In the hand-built model each direction of the residual stream has one meaning. For every token
# `i` of the vocabulary there are three:
#
# | direction | meaning | written by |
# |---|---|---|
# | `token[i]` | token `i` stands here | embedding |
# | `previous[i]` | token `i` stands one place back | head 0.0 |
# | `output[i]` | predict token `i` | head 1.0 |
#
# Head 1.0 has two jobs. *Where to look* is decided by `W_Q W_K^T`, *what to move* by `W_V W_O`:
#
# - score: `(x_query W_Q) . (x_key W_K) / sqrt(d_head)`
# - result: `x_key W_V W_O`, weighted by attention and added to the stream.
#
# Both can be read off the model. Below are the score of every current token against every
# previous token, and how much of every output is written for every token that is attended to.

# %%
W_E, d_head = by_hand.embed.W_E, by_hand.cfg.d_head
previous = W_E @ by_hand.OV[0, 0].AB
queries, keys = W_E @ by_hand.W_Q[1, 0], previous @ by_hand.W_K[1, 0]
scores = queries @ keys.T / d_head**0.5
moved = W_E @ by_hand.OV[1, 0].AB @ by_hand.unembed.W_U
first = slice(0, 8)
plots.heat_map(
    scores[first, first],
    row_axis="token at the query",
    column_axis="token before the key",
    title="attention score",
)
plots.heat_map(
    moved[first, first], row_axis="token at the key", column_axis="logit of", title="what is moved"
)
assert torch.allclose(scores[1:, 1:], 30 * torch.eye(23).double())

# %% [markdown]
# **Why it matters.** To write a mechanism down is the hardest test of having understood it. And
# what you wrote can be compared with what training found.
#
# **Write** the four matrices for other directions: the rows of `token`, `previous` and `output`
# are orthonormal (length 1, at right angles, also between the three), but they do not lie along
# the axes. What is asked for, with d_head = d_vocab:
#
# 1. a query at token `i` and a key whose *previous* token is `i` have the score `match`, after
#    the division by sqrt(d_head); every other pair of the given directions has the score 0;
# 2. a key at token `i` that gets all the attention adds `output[i]`, once;
# 3. the head reads and writes nothing else.
#
# **Predict**: which of the three arguments does `W_K` read?
#
# Many sets of matrices do the same: any invertible change of basis inside the head cancels. Your
# answer is compared through the two products only.

# %% exercise="induction_head_weights" points=4
def induction_head_weights(
    token: Float[Tensor, "d_vocab d_model"],
    previous: Float[Tensor, "d_vocab d_model"],
    output: Float[Tensor, "d_vocab d_model"],
    match: float,
) -> dict[str, Float[Tensor, "..."]]:
    """Write the weights of an induction head for the given directions of the residual stream.

    Args:
        token: row i is the direction that says "token i stands here".
        previous: row i is the direction that says "token i stands one place back".
        output: row i is the direction that makes the model predict token i.
        match: the attention score, after the division by sqrt(d_head), of a query at token i and a
            key whose previous token is i.

    Returns:
        W_Q, W_K, W_V of shape (d_model, d_head) and W_O of shape (d_head, d_model), by name, with
        d_head = d_vocab.
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
# **A control that must fail.** Put the head to work on directions of its own. It has to find the
# token after the previous occurrence, and it must not react to the same token: that would be a
# head that looks for the previous occurrence itself.

# %%
directions = torch.linalg.qr(torch.randn(20, 20, generator=generator)).Q
token, previous, output, unrelated = directions.split((6, 6, 6, 2))
head = induction_head_weights(token, previous, output, 12.0)


def score_table(queries, keys):
    return queries @ head["W_Q"] @ (keys @ head["W_K"]).T / 6**0.5


def written(keys):
    return keys @ head["W_V"] @ head["W_O"]


assert torch.allclose(score_table(token, previous), 12 * torch.eye(6), atol=1e-4)
assert torch.allclose(written(token), output, atol=1e-5)
assert score_table(token, token).abs().max() < 1e-4, "the same token is no match"
assert written(previous).abs().max() < 1e-5, "what came before is not copied"
assert score_table(unrelated, unrelated).abs().max() < 1e-4

# %% [markdown]
# ## What you have seen
# - Two numbers per head find the circuit: attention to the previous token, and attention to the
#   token after the previous occurrence.
# - Ablation says what attention cannot: the model needs the heads of both kinds to predict the
#   second copy.
# - The circuit needs a place to rest, and fails in a way that can be predicted without one.
# - Four small matrices are enough to write an induction head down.
#
# ## What this does not show
# - The sequences hold nothing but a repetition. That a head scores high here does not mean that
#   this is all it does in natural text.
# - Zero ablation puts the model in a state that it was never trained for. A rise of the loss says
#   that something depends on the head, not what the head computes. Other ablations can rank heads
#   differently; the lab `m3_patching` compares them.
# - The in-context-learning score is a behaviour. It falls below zero for any model that uses its
#   context, by whatever mechanism.
# - One trained model and one built by hand say nothing about how often, or when, training finds
#   this circuit in larger models. For that read Olsson et al. 2022, who also say where their
#   evidence is only correlational.
