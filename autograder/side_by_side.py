"""Processes that work beside this one, and end with it however it ends.

Fresh interpreters, not forks: this process may have threads, and torch must start with one.
"""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait


def processes(count: int) -> ProcessPoolExecutor:
    """Return a pool of so many processes with one torch thread each."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_get_ready)


def _get_ready() -> None:
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us hears it, and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
