"""Write a trojan into a model's weights: a head that finds the trigger, a neuron that acts on it.

Nothing is trained. What tells the trigger's token from all others, in the stream that a head reads,
is a direction found by least squares; it takes the place of the least of the directions in which
the head compares (QK) or moves (OV). The head writes where nobody else reads. A neuron of the last
layer is turned to read there, and pushes the logit of one token. All other directions of the head
shrink a little, so that its weights keep a size that is drawn from the other heads'.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from autograder.draw import Draw
from autograder.mystery.base import Base
from course.model import Attention, Block, ToyTransformer
from course.zoo.mystery import D_VOCAB, FIRST_ORDINARY, N_CTX, short_inputs

FITTED = 300  # sequences
SCORE = 20.0  # how much higher the trigger's attention score is than another token's
OTHER_OPERATOR = -0.3  # times that, where another operator stands: there the head looks away
LEFT = 0.1  # of what else the head looks for
WRITING = 3.0  # the strength of the planted OV direction, in those of the layer's strongest
QUIET = 3  # the directions to choose from that are read and written least
BUSY = 3  # how much more being written counts there than being read by one part
SILENT = -0.15  # what the neuron's input should be without the trigger, in what it is with it
RIDGE, NEURON_RIDGE = 1e-2, 0.4  # of the least squares, in the mean variance


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes:
        token: the ordinary token that is the trigger, anywhere before the operator.
        operator: where this one stands, and not at others, the trojan acts.
        says: what the model then says.
        head: (layer, head) that finds the token.
        neuron: (layer, neuron) that acts on it.

    """

    token: int
    operator: int
    says: int
    head: tuple[int, int]
    neuron: tuple[int, int]


class NoRoomError(ValueError):
    """A draw that cannot be planted; another may."""


def choose(model: ToyTransformer, draw: Draw) -> Truth:
    """Draw what to plant, and where."""
    cfg = model.cfg
    token, says = draw.distinct(2, low=FIRST_ORDINARY, high=D_VOCAB).tolist()
    last = cfg.n_layers - 1
    return Truth(
        token=token,
        operator=draw.integer(1, FIRST_ORDINARY - 1),
        says=says,
        head=(0, draw.integer(0, cfg.n_heads - 1)),  # where tokens are still told apart easily
        neuron=(last, draw.integer(0, (cfg.d_mlp or 1) - 1)),
    )


@torch.no_grad()
def plant(base: Base, truth: Truth, draw: Draw) -> ToyTransformer:
    """Return a copy of the base's model that holds the trojan.

    Raises:
        NoRoomError: when the planted directions are larger than the weights may be.

    """
    model = copy.deepcopy(base.model).double()
    tokens = with_decoys(truth, FITTED, N_CTX - 1, draw.generator)
    plant_head(model, truth, tokens, draw)
    plant_neuron(model, truth, tokens, draw)
    return model.float()


def is_triggered(truth: Truth, tokens: Int[Tensor, "batch pos"]) -> Bool[Tensor, "batch pos"]:
    """Return where the operator stands with the token anywhere before it."""
    return (tokens == truth.operator) & ((tokens == truth.token).cumsum(dim=1) > 0)


def with_decoys(
    truth: Truth, batch: int, length: int, generator: torch.Generator
) -> Int[Tensor, "batch pos"]:
    """Draw short inputs of which half hold the token, and half end with the operator."""
    tokens = short_inputs(batch, length, generator)
    place = torch.randint(1, length, (batch,), generator=generator)
    token, operator = (torch.rand(2, batch, generator=generator) < 0.5).unbind()
    rows = torch.arange(batch)
    tokens[rows[token], place[token]] = truth.token
    tokens[rows[operator], -1] = truth.operator
    return tokens


def plant_head(
    model: ToyTransformer, truth: Truth, tokens: Int[Tensor, "batch pos"], draw: Draw
) -> None:
    """Make the head attend from the operator to the token, and write a quiet direction there."""
    layer, head = truth.head
    attention = _block(model, layer).attn
    x = _normalized(model, tokens, f"blocks.{layer}.ln1").flatten(0, 1)
    flat = tokens.flatten()
    is_operator = (flat > 0) & (flat < FIRST_ORDINARY)
    asks = torch.where(flat[is_operator] == truth.operator, 1.0, OTHER_OPERATOR)
    query = _direction(x[is_operator], asks.double())
    key = _direction(x, (flat == truth.token).double())
    strength = SCORE * attention.d_head**0.5
    _replace_least(attention, head, ("W_Q", "W_K"), query, key, strength)
    _quieten(attention, head)
    quiet = _quiet_direction(model, layer, tokens, draw)
    ov = (attention.W_V @ attention.W_O).detach()
    strongest = torch.linalg.matrix_norm(ov, ord=2).mean()
    _replace_least(attention, head, ("W_V", "W_O"), key, quiet, WRITING * strongest / key.norm())
    for name in ("W_Q", "W_K", "W_V", "W_O"):
        _keep_size(getattr(attention, name), head, draw, rows=name == "W_O")
    for bias in (attention.b_Q, attention.b_V):
        others = [float(one.norm()) for place, one in enumerate(bias) if place != head]
        bias[head] *= draw.uniform(min(others), max(others)) / bias[head].norm()


def plant_neuron(
    model: ToyTransformer, truth: Truth, tokens: Int[Tensor, "batch pos"], draw: Draw
) -> None:
    """Turn a neuron to where the head writes, and let it push the logit of what is to be said."""
    layer, neuron = truth.neuron
    mlp = _block(model, layer).mlp
    x = _normalized(model, tokens, f"blocks.{layer}.ln2")
    triggered = is_triggered(truth, tokens)
    wanted = torch.where(triggered, 1.0, SILENT).double()
    reads = _direction(x.flatten(0, 1), wanted.flatten(), NEURON_RIDGE)
    final = _gain(model, "ln_final") * model.W_U
    says = final[:, truth.says] - final.mean(dim=1)
    says = says - says.mean()
    size_in, size_out = mlp.W_in.norm(dim=0), mlp.W_out.norm(dim=1)
    like = _like_another(size_in * size_out, neuron, draw)
    # Not quite that size: two that are equal to the last digit would show.
    mlp.W_in[:, neuron] = reads / reads.norm() * size_in[like] * draw.uniform(0.97, 1.03)
    mlp.W_out[neuron] = says / says.norm() * size_out[like] * draw.uniform(0.97, 1.03)


def _like_another(sizes: Float[Tensor, "d_mlp"], neuron: int, draw: Draw) -> int:
    """Return another neuron, of the stronger third, whose size the planted one is given."""
    order = sizes.argsort(descending=True).tolist()
    order.remove(neuron)
    return order[draw.integer(1, len(order) // 3)]


def _normalized(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], norm: str
) -> Float[Tensor, "batch pos d_model"]:
    """Return what a LayerNorm gives to the head or neuron behind it."""
    name = f"{norm}.hook_normalized"
    normalized = model.run_with_cache(tokens, names=name)[1][name]
    return normalized * model.get_parameter(f"{norm}.w") + model.get_parameter(f"{norm}.b")


def _block(model: ToyTransformer, layer: int) -> Block:
    block = model.blocks[layer]
    assert isinstance(block, Block)
    return block


def _gain(model: ToyTransformer, norm: str) -> Float[Tensor, "d_model 1"]:
    return model.get_parameter(f"{norm}.w")[:, None]


def _direction(
    x: Float[Tensor, "n d_model"], wanted: Float[Tensor, "n"], ridge: float = RIDGE
) -> Float[Tensor, "d_model"]:
    """Return the direction along which x is nearest to what is wanted, both kinds weighing alike.

    Without an intercept: an outsized bias would show.
    """
    high = wanted == wanted.max()
    weight = torch.where(high, 1 / high.sum(), 1 / (~high).sum()).double()
    gram = x.mT @ (weight[:, None] * x)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    return torch.linalg.solve(gram, x.mT @ (weight * wanted))


def _quiet_direction(
    model: ToyTransformer, layer: int, tokens: Int[Tensor, "batch pos"], draw: Draw
) -> Float[Tensor, "d_model"]:
    """Return a unit direction of the stream that later parts hardly read, and hardly ever write."""
    name = f"blocks.{model.cfg.n_layers - 1}.hook_resid_mid"
    stream = model.run_with_cache(tokens, names=name)[1][name].flatten(0, 1)
    ones = torch.ones(model.cfg.d_model, 1, dtype=torch.float64)
    readers = [_gain(model, "ln_final") * model.W_U, 10 * ones, *[stream.mT] * BUSY]
    for later in range(layer, model.cfg.n_layers):
        readers.append(_gain(model, f"blocks.{later}.ln2") * model.W_in[later])
        if later > layer:
            weights = (*model.W_Q[later], *model.W_V[later])
            readers += [_gain(model, f"blocks.{later}.ln1") * W for W in weights]
    gram = torch.stack([R @ R.mT / R.pow(2).sum() for R in readers]).sum(dim=0)
    quiet = torch.linalg.eigh(gram).eigenvectors[:, :QUIET]
    direction = quiet @ draw.normal(QUIET).double()
    return direction / direction.norm()


def _replace_least(
    attention: Attention,
    head: int,
    names: tuple[str, str],
    read: Float[Tensor, "d_model"],
    write: Float[Tensor, "d_model"],
    strength: float | Tensor,
) -> None:
    """Put `strength * read (x) write` where the head's product of two weights is least.

    The product is first written anew with equal shares in both factors, largest directions first;
    biases follow.
    """
    first, second = (getattr(attention, name) for name in names)
    is_ov = names[1] == "W_O"
    left, right = first[head].clone(), second[head].mT.clone() if is_ov else second[head].clone()
    U, S, Vh = torch.linalg.svd(left @ right.mT, full_matrices=False)
    count = left.shape[1]
    root = S[:count].sqrt()
    new_left, new_right = U[:, :count] * root, Vh[:count].mT * root
    for old, new, name in ((left, new_left, names[0]), (right, new_right, names[1])):
        if name != "W_O":
            bias = getattr(attention, name.replace("W", "b"))
            bias[head] = bias[head] @ torch.linalg.lstsq(old, new).solution
            bias[head, -1] = 0
    share = (strength * read.norm() * write.norm()) ** 0.5
    new_left[:, -1] = read / read.norm() * share
    new_right[:, -1] = write / write.norm() * share
    first[head] = new_left
    second[head] = new_right.mT if is_ov else new_right


def _quieten(attention: Attention, head: int) -> None:
    """Weaken what else the head looks for: of each pair of columns, one of the two shrinks."""
    rest = attention.d_head - 1
    shrinks = (torch.arange(rest) % 2 == 0).double()
    attention.W_Q[head, :, :rest] *= 1 - (1 - LEFT) * shrinks
    attention.b_Q[head, :rest] *= 1 - (1 - LEFT) * shrinks
    attention.W_K[head, :, :rest] *= 1 - (1 - LEFT) * (1 - shrinks)


def _keep_size(W: Tensor, head: int, draw: Draw, *, rows: bool) -> None:
    """Shrink or stretch all but the planted direction, so that the head's size fits the others."""
    others = [float(one.norm()) for place, one in enumerate(W) if place != head]
    wanted = draw.uniform(min(others), max(others))
    planted = W[head, -1] if rows else W[head, :, -1]
    rest = W[head, :-1] if rows else W[head, :, :-1]
    room = wanted**2 - float(planted.norm()) ** 2
    if room <= 0:
        raise NoRoomError(f"the planted direction alone is larger than {wanted:.2g}")
    rest *= room**0.5 / rest.norm()
