"""`odometer run` yields to other programs on the same cores, as far as it is its own to decide."""

import os
import pathlib
import sys

from checks import check, expect, run
from house import House, wait_until

House.needed()
if os.getpriority(os.PRIO_PROCESS, 0) != 0:
    print("skipped: this process was started nicer than usual, and so is all that it starts\n0 passed, 0 failed")
    sys.exit(0)
HAS_AUTOGROUPS = pathlib.Path("/proc/self/autogroup").exists()
USUAL = 0 if HAS_AUTOGROUPS else None


def session(process="self"):
    """How nice a process' session is; none where Linux does not weigh it: a kernel without autogroups, whose file is
    missing, and the session that a machine's first process left to its children, whose file is empty."""
    line = pathlib.Path(f"/proc/{process}/autogroup").read_text() if HAS_AUTOGROUPS else ""
    return int(line.split()[-1]) if line else None


def niceness(machine):
    """How nice each thread of a process is, and its session."""
    threads = os.listdir(f"/proc/{machine.process.pid}/task")
    return {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads}, session(machine.process.pid)


def expect_niceness(house, own, of_session, *arguments, wrapper=()):
    machine = house.start(*arguments, wrapper=wrapper).wait_ready()
    wait_until(lambda: niceness(machine)[1] == of_session, 10, f"{arguments}: session at {of_session}")
    expect(niceness(machine)[0] == {own}, f"{arguments}: {niceness(machine)}")
    expect(machine.terminate() == 0, f"{arguments}: exit code")


@check
def own_session():
    """A process that leads its session yields with all threads, and its session with it"""
    with House() as house:
        expect_niceness(house, 10, 10 if HAS_AUTOGROUPS else None, "run", wrapper=("setsid",))
        expect_niceness(house, 3, 3 if HAS_AUTOGROUPS else None, "run", "--nice", "3", wrapper=("setsid",))


@check
def shared_session():
    """A session that others share stays as it is, and so does a process that was started nicer, or not to stand back"""
    with House() as house:
        before = session()
        expect_niceness(house, 10, before, "run")
        expect_niceness(house, 15, before, "run", wrapper=("nice", "-n", "15"))
        expect_niceness(house, 0, USUAL, "run", "--nice", "0", wrapper=("setsid",))
        expect(session() == before, "the session of this check")


@check
def answering():
    """A process that answers requests does not stand back"""
    with House() as house:
        expect_niceness(house, 0, USUAL, "up", wrapper=("setsid",))


run()
