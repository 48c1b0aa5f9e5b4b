"""A model as a plain function of what it reads, which is all that an attribution needs to know.

Gradient methods ask how a number changes with the embeddings; LIME, Shapley values and occlusion
ask what it is with some of the tokens replaced. The first want a function of numbers, the second a
*game*: a function from coalitions, rows that say which tokens are kept, to values. Techniques in
this package take such functions, of models or of anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course.hooks import HookPoint
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.tokens import check_tokens

Function = Callable[[Float[Tensor, "batch ..."]], Float[Tensor, "batch"]]
Game = Callable[[Bool[Tensor, "coalition player"]], Float[Tensor, "coalition"]]

MOST_PLAYERS = 16


def embed(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos d_model"]:
    """Return the tokens' embeddings, without their positions and without a graph.

    Raises:
        ValueError: for tokens that the model cannot read.

    """
    check_tokens(tokens, d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    return model.embed(tokens).detach()


def of_embeddings(model: ToyTransformer, metric: Metric) -> Function:
    """Return the metric as a function of the token embeddings (batch pos d_model).

    They stand where `hook_embed` is: positions are added to them as to any tokens', so replacing an
    embedding replaces the token and keeps its place.

    Raises:
        ValueError: when called, for embeddings of another shape or dtype.

    """

    def value(embeddings: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch"]:
        if embeddings.ndim != 3 or embeddings.shape[-1] != model.cfg.d_model:
            raise ValueError(
                f"A function of embeddings was given shape {tuple(embeddings.shape)}; expected "
                f"(batch, pos, d_model={model.cfg.d_model}).\n"
                "as_functions.embed(model, tokens) gives those of tokens."
            )
        places = torch.zeros(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)

        def replace(_activation: Tensor, _hook: HookPoint) -> Tensor:
            return embeddings

        logits = model.run_with_hooks(places, fwd_hooks=[("hook_embed", replace)])
        return measured(metric, logits)

    return value


def token_game(
    model: ToyTransformer,
    tokens: Int[Tensor, "pos"],
    baseline: Int[Tensor, "pos"] | int,
    metric: Metric,
    *,
    players: Sequence[int] | None = None,
    rows: int = 512,
    progress: bool = False,
) -> Game:
    """Return the metric as a game whose players are the tokens of one sequence.

    A token outside the coalition is replaced by the baseline's at its position.

    Args:
        model: it is not changed.
        tokens: the sequence.
        baseline: what stands in for tokens that are left out: a sequence, or one token.
        metric: from logits to one number for each sequence, the same for all of them.
        players: the positions that play; the others are always kept. None for all positions, which
            includes a BOS.
        rows: how many coalitions a forward pass has at most.
        progress: whether to show a bar.

    Raises:
        ValueError: for tokens that the model cannot read, a baseline of another length, or
            positions that do not exist or are given twice; when called, for coalitions of another
            shape.

    """
    filler = torch.as_tensor(baseline, device=tokens.device).expand(tokens.shape)
    for sequence in (tokens, filler):
        check_tokens(sequence[None], d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    places = _places(players, len(tokens))

    @torch.no_grad()
    def value(coalitions: Bool[Tensor, "coalition player"]) -> Float[Tensor, "coalition"]:
        check_coalitions(coalitions, len(places))
        keep = torch.ones(len(coalitions), len(tokens), dtype=torch.bool, device=tokens.device)
        keep[:, places] = coalitions.to(tokens.device)
        inputs = torch.where(keep, tokens, filler)
        bar = tqdm(inputs.split(rows), "coalitions", disable=not progress)
        return torch.cat([measured(metric, model(part)) for part in bar])

    return value


def all_coalitions(n_players: int) -> Bool[Tensor, "coalition player"]:
    """Return every set of players, as rows; row number `r` has player `i` where bit `i` of r is 1.

    The first row is empty, the last is full.

    Raises:
        ValueError: for no players, or for more than 16, of which there are too many sets.

    """
    if not 1 <= n_players <= MOST_PLAYERS:
        raise ValueError(
            f"All coalitions of {n_players} players were asked for; expected 1 to {MOST_PLAYERS} "
            f"players.\nThere are 2^n coalitions: let fewer positions play (players=[...])."
        )
    numbers = torch.arange(2**n_players)
    return (numbers[:, None] >> torch.arange(n_players)) % 2 == 1


def play(game: Game, n_players: int) -> tuple[Bool[Tensor, "coalition player"], Tensor]:
    """Return all coalitions and what the game says of each.

    Raises:
        ValueError: for a game that does not return a finite number for each coalition.

    """
    coalitions = all_coalitions(n_players)
    values = check_finite_values(game(coalitions), coalitions)
    return coalitions.to(values.device), values


def check_finite_values(values: object, coalitions: Tensor) -> Float[Tensor, "coalition"]:
    """Return a game's values as floats without a graph, if there is one for each coalition.

    Raises:
        ValueError: for another shape, NaN or infinity.

    """
    if not isinstance(values, Tensor) or values.shape != coalitions.shape[:1]:
        what = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else repr(values)
        raise ValueError(
            f"A game returned {what} for {len(coalitions)} coalitions of {coalitions.shape[1]} "
            f"players; expected one number for each, ({len(coalitions)},).\n"
            "It is called once with all coalitions, (coalition player) of True and False."
        )
    if not values.isfinite().all():
        raise ValueError(
            f"A game returned NaN or infinity for {int((~values.isfinite()).sum())} of "
            f"{len(coalitions)} coalitions; expected finite numbers."
        )
    return values.detach() if values.is_floating_point() else values.double()


def check_coalitions(coalitions: Tensor, n_players: int) -> None:
    """Raise ValueError unless these are coalitions (coalition player), one at least."""
    if (
        coalitions.dtype != torch.bool
        or coalitions.ndim != 2
        or coalitions.shape[1] != n_players
        or not len(coalitions)
    ):
        raise ValueError(
            f"A game was given coalitions of shape {tuple(coalitions.shape)} and "
            f"{coalitions.dtype}; expected (coalition, player={n_players}) of torch.bool.\n"
            "True keeps a player. all_coalitions(n) gives all of them."
        )


def _places(players: Sequence[int] | None, n_pos: int) -> list[int]:
    """Return the positions that play, counted from 0."""
    places = list(range(n_pos)) if players is None else list(players)
    if (
        not places
        or len({place % n_pos for place in places}) < len(places)
        or not all(-n_pos <= place < n_pos for place in places)
    ):
        raise ValueError(
            f"token_game was given players={places} for {n_pos} tokens; expected different "
            f"positions from 0 to {n_pos - 1}, one at least."
        )
    return [place % n_pos for place in places]
