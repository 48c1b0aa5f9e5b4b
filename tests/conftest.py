"""For every test: one torch thread, and a configuration folder that is not the user's.

Two threads are up to 100 times slower when the machine is busy. The folder stays between runs,
so that the hidden bank of the fixed test secret is made once.
"""

import os
from pathlib import Path

import torch

torch.set_num_threads(1)
os.environ["XDG_CONFIG_HOME"] = str(Path(__file__).resolve().parents[1] / "out" / "test-config")
