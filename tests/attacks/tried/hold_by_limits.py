"""Slow another process down, or set its limits: priority, processors, scheduling, oom score."""

import resource

CLASS = "signalling"
GAINS = ("hold",)


def attack():
    pid = KNOWN["bystander"]
    ways = (
        lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        lambda: os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))}),
        lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, 10)),
        lambda: open(f"/proc/{pid}/oom_score_adj", "w").write("1000"),
        lambda: os.setpgid(pid, 0),
    )
    for way in ways:
        try:
            way()
        except OSError:
            pass
