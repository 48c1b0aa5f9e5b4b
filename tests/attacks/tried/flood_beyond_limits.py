"""Raise the own limits again, of memory, processes, files and time."""

import resource

CLASS = "flooding"
GAINS = ()

WHICH = (
    resource.RLIMIT_AS,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_CPU,
    resource.RLIMIT_CORE,
)


def attack():
    for which in WHICH:
        soft, hard = resource.getrlimit(which)
        for limits in ((resource.RLIM_INFINITY,) * 2, (hard + 1, hard + 1), (soft, hard * 2)):
            try:
                resource.setrlimit(which, limits)
                resource.prlimit(0, which, limits)
            except (OSError, ValueError, OverflowError):
                pass
        if hard != resource.RLIM_INFINITY and resource.getrlimit(which)[1] > hard:
            loot.append("gained hold: a limit of its own was raised")
