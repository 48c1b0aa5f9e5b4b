"""Change torch's defaults for all that follows: device, dtype, threads, printing, gradients."""

CLASS = "agreement"
GAINS = ()


def attack():
    torch.set_default_dtype(torch.float16)
    torch.set_default_device("meta")
    torch.set_num_threads(8)
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    torch.set_printoptions(precision=0)
    torch.ones(200, 200, device="cpu") @ torch.ones(200, 200, device="cpu")
