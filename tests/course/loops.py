"""The toy transformer as loops over Python floats: slow, obvious, and the oracle of its tests.

Nothing here is shared with `course`: no tensor operation, no broadcasting, no matrix product.
"""

import math
from collections.abc import Callable

Edit = Callable[[float], float]


def each(fn: Edit, value):
    """Apply a function to every number of nested lists."""
    return [each(fn, item) for item in value] if isinstance(value, list) else fn(value)


def gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def gelu_new(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu(x: float) -> float:
    return max(x, 0.0)


ACTIVATIONS = {"gelu": gelu, "gelu_new": gelu_new, "relu": relu}


class Loops:
    """Compute one sequence after the other; `seen` holds every activation, batch first."""

    def __init__(self, model, edits: dict[str, Edit] | None = None) -> None:
        self.cfg = model.cfg
        self.weights = {name: value.tolist() for name, value in model.state_dict().items()}
        self.edits = edits or {}
        self.seen: dict[str, list] = {}

    def __call__(self, tokens: list[list[int]]) -> list:
        return [self.sequence(row) for row in tokens]

    def hook(self, name: str, value):
        if name in self.edits:
            value = each(self.edits[name], value)
        self.seen.setdefault(name, []).append(value)
        return value

    def sequence(self, tokens: list[int]) -> list:
        x = self.hook("hook_embed", [list(self.weights["embed.W_E"][token]) for token in tokens])
        if self.cfg.positional_embedding_type == "standard":
            rows = [list(self.weights["pos_embed.W_pos"][pos]) for pos in range(len(tokens))]
            x = add(x, self.hook("hook_pos_embed", rows))
        for layer in range(self.cfg.n_layers):
            x = self.block(f"blocks.{layer}.", x)
        x = self.hook("unembed.hook_in", self.norm("ln_final.", x))
        W_U, b_U = self.weights["unembed.W_U"], self.weights["unembed.b_U"]
        return self.hook("unembed.hook_out", [affine(row, W_U, b_U) for row in x])

    def block(self, at: str, x: list) -> list:
        x = self.hook(f"{at}hook_resid_pre", x)
        attn_out = self.attention(f"{at}attn.", self.norm(f"{at}ln1.", x))
        x = add(x, self.hook(f"{at}hook_attn_out", attn_out))
        if not self.cfg.attn_only:
            x = self.hook(f"{at}hook_resid_mid", x)
            mlp_out = self.mlp(f"{at}mlp.", self.norm(f"{at}ln2.", x))
            x = add(x, self.hook(f"{at}hook_mlp_out", mlp_out))
        return self.hook(f"{at}hook_resid_post", x)

    def norm(self, at: str, x: list) -> list:
        kind = self.cfg.normalization_type
        if kind is None:
            return x
        size = self.cfg.d_model
        if kind == "LN":
            x = [[value - sum(row) / size for value in row] for row in x]
        scale = [[math.sqrt(sum(v * v for v in row) / size + self.cfg.eps)] for row in x]
        scale = self.hook(f"{at}hook_scale", scale)
        x = [[value / s[0] for value in row] for row, s in zip(x, scale, strict=True)]
        x = self.hook(f"{at}hook_normalized", x)
        gain = self.weights[f"{at}w"]
        bias = self.weights[f"{at}b"] if kind == "LN" else [0.0] * size
        return [[row[d] * gain[d] + bias[d] for d in range(size)] for row in x]

    def attention(self, at: str, x: list) -> list:
        cfg, n_heads, pos = self.cfg, range(self.cfg.n_heads), range(len(x))
        heads = {}
        for name in "QKV":
            W, b = self.weights[f"{at}W_{name}"], self.weights[f"{at}b_{name}"]
            value = [[affine(row, W[head], b[head]) for head in n_heads] for row in x]
            heads[name] = self.hook(f"{at}hook_{name.lower()}", value)
        q, k, v = heads["Q"], heads["K"], heads["V"]
        if cfg.positional_embedding_type == "rotary":
            q = self.hook(f"{at}hook_rot_q", self.rotated(q))
            k = self.hook(f"{at}hook_rot_k", self.rotated(k))
        scores = [[[0.0 for _ in pos] for _ in pos] for _ in n_heads]
        for head in n_heads:
            for query in pos:
                for key in pos:
                    product = dot(q[query][head], k[key][head]) / math.sqrt(cfg.d_head)
                    scores[head][query][key] = product if key <= query else -math.inf
        scores = self.hook(f"{at}hook_attn_scores", scores)
        pattern = self.hook(f"{at}hook_pattern", [[softmax(row) for row in h] for h in scores])
        z = [[[0.0] * cfg.d_head for _ in n_heads] for _ in pos]
        for query in pos:
            for head in n_heads:
                for key in pos:
                    for d in range(cfg.d_head):
                        z[query][head][d] += pattern[head][query][key] * v[key][head][d]
        z = self.hook(f"{at}hook_z", z)
        W_O, b_O = self.weights[f"{at}W_O"], self.weights[f"{at}b_O"]
        zero = [0.0] * cfg.d_model
        result = [[affine(z[p][head], W_O[head], zero) for head in n_heads] for p in pos]
        result = self.hook(f"{at}hook_result", result)
        return [
            [b_O[d] + sum(result[p][head][d] for head in n_heads) for d in range(cfg.d_model)]
            for p in pos
        ]

    def rotated(self, x: list) -> list:
        """Turn numbers i and i + d_head / 2 of every head as one point of the plane."""
        half = self.cfg.d_head // 2
        turned = [[list(head) for head in row] for row in x]
        for pos, row in enumerate(x):
            for head, numbers in enumerate(row):
                for i in range(half):
                    angle = pos / self.cfg.rotary_base ** (i / half)
                    point = complex(numbers[i], numbers[i + half])
                    point *= complex(math.cos(angle), math.sin(angle))
                    turned[pos][head][i], turned[pos][head][i + half] = point.real, point.imag
        return turned

    def mlp(self, at: str, x: list) -> list:
        w = {name: self.weights[f"{at}{name}"] for name in ("W_in", "b_in", "W_out", "b_out")}
        pre = self.hook(f"{at}hook_pre", [affine(row, w["W_in"], w["b_in"]) for row in x])
        post = self.hook(f"{at}hook_post", each(ACTIVATIONS[self.cfg.act_fn], pre))
        return [affine(row, w["W_out"], w["b_out"]) for row in post]


def dot(left: list, right: list) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def add(left: list, right: list) -> list:
    return [
        [a + b for a, b in zip(row, other, strict=True)]
        for row, other in zip(left, right, strict=True)
    ]


def affine(row: list, W: list, b: list) -> list:
    """Return row @ W + b, where W has as many rows as `row` has numbers."""
    return [b[j] + sum(row[i] * W[i][j] for i in range(len(row))) for j in range(len(b))]


def softmax(row: list) -> list:
    top = max(row)
    weights = [math.exp(value - top) for value in row]
    return [value / sum(weights) for value in weights]
