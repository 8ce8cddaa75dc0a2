"""A process that runs out of memory, of file descriptors or of room for its log."""

import pathlib

from case import fault
from house import wait_until
from rig import is_running


def then_whole(case, rig, hurt):
    """Whatever became of the hurt process: a sound one makes the numbers whole."""
    state = "still runs" if is_running(hurt) else f"ended with {hurt.process.returncode}"
    case.note(f"it {state} after {rig.counted()} records")
    if is_running(hurt):
        rig.kill(hurt)
    rig.count()
    with case.recovery():
        rig.wait_all()
    case.verified(rig)


def squeezed(case, events, more, limits, option, unit, seconds):
    """Processes under one limit after the other: each may end at once, later or not at all, but never stops silently."""
    with case.rig() as rig:
        rig.fed(events)
        for limit in limits:
            hurt = rig.count(wrapper=("prlimit", option(limit)))
            before = rig.counted()
            wait_until(
                lambda: not is_running(hurt) or rig.counted() > before or done(rig) or says_why(hurt), seconds,
                "an end, progress, or a reason in the log")
            case.times += 1
            case.note(f"{limit} {unit}: " + ("runs" if is_running(hurt) else f"ended with {hurt.process.returncode}"))
            if is_running(hurt):
                rig.kill(hurt)
            if done(rig):
                rig.fed(more)
        then_whole(case, rig, hurt)


def done(rig):
    return rig.counted() >= sum(rig.ends().values())


def says_why(machine):
    text = machine.log.read_text()
    return any(word in text for word in ("Too many open files", "Unable to create", "Cannot allocate memory"))


@fault("F36", "prlimit --as from 120 to 400 MiB")
def memory_short(case):
    """The process may not have the memory that it asks for."""
    squeezed(case, 30_000, 5_000, (120, 200, 280, 400), lambda limit: f"--as={limit * 2**20}", "MiB", 30)


@fault("F36", "prlimit --nofile from 12 to 48")
def descriptors_short(case):
    """The process may not open what it needs."""
    squeezed(case, 10_000, 2_000, (12, 20, 28, 48), lambda limit: f"--nofile={limit}", "files", 45)


@fault("F36", "log lines go to /dev/full")
def log_full(case):
    """Nothing can be written to the log: counting goes on."""
    with case.rig() as rig:
        machine = rig.count("--log-level", "debug", output=pathlib.Path("/dev/full")).wait_ready()
        rig.fed(10_000)
        rig.wait_all()
        # Something to say.
        rig.redis.flushall()
        case.times = 1
        case.rollbacks += 1
        with case.recovery():
            rig.wait_progress(5_000)
            rig.wait_all()
        case.verified(rig)
        if machine.terminate() != 0:
            raise AssertionError("exit code after SIGTERM")
