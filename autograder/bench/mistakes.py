"""Wrong ideas of `m3_induction` as students write them: exercise -> misconception -> body.

The words differ from the lab's own wrong code, and from one another, as handed-in code does. A test
grades every one of them and finds the misconception that it is listed under.
"""

from __future__ import annotations

LAB = "m3_induction"

MISTAKES = {
    "previous_token_score": {
        "attends_to_itself": """
            return torch.diagonal(pattern, dim1=2, dim2=3)[..., 1:].mean(dim=-1).mean(dim=0)
        """,
        "two_back": """
            queries = torch.arange(2, pattern.shape[-1])
            return pattern[:, :, queries, queries - 2].mean(dim=(0, 2))
        """,
        "divides_by_all_positions": """
            total = 0
            for query in range(1, pattern.shape[2]):
                total = total + pattern[:, :, query, query - 1]
            return (total / pattern.shape[2]).mean(dim=0)
        """,
        "sum_over_queries": """
            one_back = pattern.diagonal(-1, dim1=2, dim2=3)
            return reduce(one_back, "batch head query -> batch head", "sum").mean(dim=0)
        """,
    },
    "induction_score": {
        "previous_occurrence": """
            second_copy = torch.arange(period + 1, 2 * period + 1)
            return pattern[:, :, second_copy, second_copy - period].mean(dim=(0, 2))
        """,
        "window_forgets_bos": """
            scores = []
            for query in range(period, 2 * period):
                scores.append(pattern[:, :, query, query - (period - 1)])
            return torch.stack(scores).mean(dim=0).mean(dim=0)
        """,
        "whole_diagonal": """
            stripe = torch.diagonal(pattern, offset=-(period - 1), dim1=-2, dim2=-1)
            return reduce(stripe, "b h q -> h", "mean")
        """,
        "query_and_key_swapped": """
            stripe = pattern.diagonal(period - 1, dim1=-2, dim2=-1)
            return reduce(stripe[..., -period:], "batch head query -> head", "mean")
        """,
        "leaves_out_last_query": """
            rows = range(period + 1, 2 * period)
            return sum(pattern[:, :, q, q - period + 1] for q in rows).mean(dim=0) / len(rows)
        """,
    },
    "find_heads": {
        "counts_from_one": """
            _, cache = model.run_with_cache(tokens)
            found = {"previous_token": set(), "induction": set()}
            for layer in range(1, model.cfg.n_layers + 1):
                pattern = cache["pattern", layer - 1]
                back = pattern.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, 2))
                stripe = pattern.diagonal(1 - period, dim1=-2, dim2=-1)[..., -period:]
                for head, score in enumerate(back.tolist(), start=1):
                    if score > 0.5:
                        found["previous_token"].add((layer, head))
                for head, score in enumerate(stripe.mean(dim=(0, 2)).tolist(), start=1):
                    if score > 0.5:
                        found["induction"].add((layer, head))
            return found
        """,
        "head_before_layer": """
            cache = model.run_with_cache(tokens)[1]
            previous, induction = set(), set()
            for layer in range(model.cfg.n_layers):
                for head in range(model.cfg.n_heads):
                    pattern = cache["pattern", layer][:, head]
                    if pattern.diagonal(-1, dim1=-2, dim2=-1).mean() > 0.5:
                        previous.add((head, layer))
                    if pattern.diagonal(1 - period, dim1=1, dim2=2)[:, -period:].mean() > 0.5:
                        induction.add((head, layer))
            return {"previous_token": previous, "induction": induction}
        """,
        "one_kind_per_head": """
            _, cache = model.run_with_cache(tokens)
            found = {"previous_token": set(), "induction": set()}
            for layer in range(model.cfg.n_layers):
                for head in range(model.cfg.n_heads):
                    pattern = cache["pattern", layer][:, head]
                    stripe = pattern.diagonal(1 - period, dim1=-2, dim2=-1)[:, -period:]
                    if pattern.diagonal(-1, dim1=-2, dim2=-1).mean() > 0.5:
                        found["previous_token"].add((layer, head))
                    elif stripe.mean() > 0.5:
                        found["induction"].add((layer, head))
            return found
        """,
    },
    "ablate_heads": {
        "sign_turned": """
            def loss(hooks):
                logits = model.run_with_hooks(tokens, fwd_hooks=hooks)
                here = logits[:, period + 1 : -1].flatten(0, 1)
                return cross_entropy(here, tokens[:, period + 2 :].flatten()).item()

            rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=model.W_E.dtype)
            for layer, head in product(range(model.cfg.n_layers), range(model.cfg.n_heads)):

                def silence(z, hook, head=head):
                    z[:, :, head] = 0

                rise[layer, head] = loss([]) - loss([(f"blocks.{layer}.attn.hook_z", silence)])
            return rise
        """,
        "intact_not_subtracted": """
            table = []
            for layer in range(model.cfg.n_layers):
                for head in range(model.cfg.n_heads):

                    def silence(z, hook, head=head):
                        z[:, :, head] = 0
                        return z

                    with model.hooks([(f"blocks.{layer}.attn.hook_z", silence)]):
                        logits = model(tokens)[:, period + 1 : -1]
                    wanted = tokens[:, period + 2 :]
                    table.append(cross_entropy(logits.transpose(1, 2), wanted))
            return torch.stack(table).reshape(model.cfg.n_layers, model.cfg.n_heads).detach()
        """,
        "all_positions": """
            def loss(hooks):
                logits = model.run_with_hooks(tokens, fwd_hooks=hooks)
                return cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())

            def without(layer, head):
                def silence(z, hook):
                    z[:, :, head] = 0

                return loss([(f"blocks.{layer}.attn.hook_z", silence)]) - loss([])

            heads, layers = range(model.cfg.n_heads), range(model.cfg.n_layers)
            rows = [torch.stack([without(layer, head) for head in heads]) for layer in layers]
            return torch.stack(rows).detach()
        """,
    },
    "in_context_learning_score": {
        "early_minus_late": """
            def loss(at):
                return cross_entropy(logits[:, at - 1], tokens[:, at])

            return loss(early) - loss(late)
        """,
        "no_shift": """
            log_probs = logits.log_softmax(dim=-1)
            rows = torch.arange(len(tokens))
            late_loss = -log_probs[rows, late, tokens[:, late]]
            return (late_loss + log_probs[rows, early, tokens[:, early]]).mean()
        """,
        "raw_logits": """
            rows = torch.arange(len(tokens))
            late_loss = -logits[rows, late - 1, tokens[:, late]]
            early_loss = -logits[rows, early - 1, tokens[:, early]]
            return (late_loss - early_loss).mean()
        """,
        "in_bits": """
            both = [cross_entropy(logits[:, at - 1], tokens[:, at]) for at in (late, early)]
            return (both[0] - both[1]) / math.log(2)
        """,
    },
    "bos_accuracy": {
        "order_swapped": """
            shares = []
            for cut, first in ((1, period), (0, period + 1)):
                kept = tokens[:, cut:]
                hits = model(kept).argmax(-1)[:, first:-1] == kept[:, first + 1 :]
                shares.append(hits.float().mean().item())
            return tuple(shares)
        """,
        "window_not_moved": """
            def accuracy(kept):
                guess = model(kept).argmax(dim=-1)[:, period + 1 : -1]
                return (guess == kept[:, period + 2 :]).double().mean().item()

            return accuracy(tokens), accuracy(tokens[:, 1:])
        """,
        "whole_sequence": """
            def accuracy(kept):
                return (model(kept)[:, :-1].argmax(-1) == kept[:, 1:]).double().mean().item()

            return accuracy(tokens), accuracy(tokens[:, 1:])
        """,
    },
    "induction_head_weights": {
        "no_square_root": """
            return {"W_Q": match * token.T, "W_K": previous.T, "W_V": token.T, "W_O": output}
        """,
        "matches_token_with_token": """
            gain = match * math.sqrt(len(token))
            return {"W_Q": gain * token.T, "W_K": token.T, "W_V": token.T, "W_O": output}
        """,
        "query_and_key_swapped": """
            root = token.shape[0] ** 0.5
            return {"W_Q": root * match * previous.T, "W_K": token.T, "W_V": token.T, "W_O": output}
        """,
    },
}
