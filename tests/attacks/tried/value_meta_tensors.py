"""Return tensors without numbers: meta, sparse, quantised, nested, of a made-up device."""

CLASS = "framing"
GAINS = ()

turn = []


def answer(*inputs):
    size = inputs[0].shape[1]
    turn.append(1)
    return (
        torch.empty(size, device="meta"),
        torch.zeros(size).to_sparse(),
        torch.quantize_per_tensor(torch.zeros(size), 0.1, 0, torch.qint8),
        torch.nested.nested_tensor([torch.zeros(size)]),
        torch.nn.UninitializedParameter(),
    )[len(turn) % 5]
