"""One torch thread for every test: two are up to 100 times slower when the machine is busy."""

import torch

torch.set_num_threads(1)
