"""Redis Sentinel makes a replica the master: killed, hanging or cut-off masters, with writes lost."""

import contextlib
import signal
import time

import redis
from case import fault
from house import wait_until
from rig import log_size, must_run
from sentinels import NAME, Asker, MinoritySentinel, SentinelRig, cut_replication, restore_replication

#: How long after Sentinel's own word a commit and an answer may come, in seconds.
GOAL = 1.0


def kill(server):
    server.kill()


def stop(server):
    """The process sleeps; its connections stay open and answer nothing."""
    server.process.send_signal(signal.SIGSTOP)


def revive(server, how):
    """The old master comes back, and Sentinel makes a replica of it."""
    if how is kill:
        server.start()
    else:
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: is_replica(server), 30, "the old master is a replica")
        restore_replication(server)


def is_replica(server):
    """Whether it says so; None where it does not answer."""
    with contextlib.suppress(redis.RedisError):
        return server.client.info("replication")["role"] == "slave"


def promoted(rig, servers, kept):
    """The master among these whose numbers are no longer what it kept: it has a commit of ours."""
    for server in servers:
        with contextlib.suppress(redis.RedisError):
            if not is_replica(server) and rig.counted_on(server) != kept[server.port]:
                return server


def failover(case, rig, asker, how, goal=GOAL):
    """Hurts the master after writes that no replica has: by how many seconds a commit and the last failed answer came
    after Sentinel's word, and how many records went with the old master."""
    # On a busy machine Sentinel may have changed its mind since.
    rig.follow(rig.named())
    old = rig.server
    others = [server for server in rig.servers if server is not old]
    cut_replication(old)
    rig.wait_progress(500)
    # Without replication their numbers stay until one of them is the master.
    kept = {server.port: rig.counted_on(server) for server in others}
    known, had = len(rig.switches.seen), rig.counted()
    how(old)
    began = time.monotonic()
    new = wait_until(lambda: promoted(rig, others, kept), 60, "a commit to another master")
    committed = time.monotonic()
    case.rollbacks += 1
    rig.follow(new)
    with case.recovery():
        wait_until(lambda: rig.counted() > had, 60, "more than the old master had")
    switched = rig.switches.wait(known)
    late, lost = (committed - switched, asker.last_failure(began) - switched), had - kept[new.port]
    case.note(
        f"{how.__name__}: {lost} records lost with the master; the next commit came {late[0]:.2f} s and the last failed "
        f"answer {late[1]:.2f} s after +switch-master")
    if lost <= 0:
        raise AssertionError("no writes were lost")
    if max(late) > goal:
        raise AssertionError(f"later than {goal} s after Sentinel: {late}")


@contextlib.contextmanager
def counting(case, down_after):
    """A rig that counts and answers, and checks every cell at its end."""
    with SentinelRig(case, down_after) as rig:
        machine = rig.count().wait_ready()
        serve = rig.start("serve", "--rate-limit", "0").wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress()
        with Asker(serve, rig.key("acme", "operations")) as asker:
            yield rig, asker
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)
        must_run(machine)
        must_run(serve)


def failovers(case, how, times):
    """Failovers one after the other; each old master comes back as a replica before the next."""
    with counting(case, down_after=2000) as (rig, asker):
        for case.times in range(1, times + 1):
            old = rig.server
            failover(case, rig, asker, how)
            revive(old, how)
            rig.wait_whole()


@fault("F42", "Sentinel: kill -9 of the master, then SIGSTOP of the next; each with writes that no replica has", alone=True)
def sentinel_short(case):
    """The quick variant of `make test`: the old masters do not come back, and commands find the present one."""
    with counting(case, down_after=2000) as (rig, asker):
        said = rig.call("doctor", expected=None)
        if "3 of 3 Sentinels answer and name 127.0.0.1:" not in said or "3 know each other, quorum 2" not in said:
            raise AssertionError(f"doctor says {said}")
        # Other work may keep this machine busy.
        failover(case, rig, asker, kill, goal=3 * GOAL)
        rig.servers = [server for server in rig.servers if server.process.poll() is None]
        rig.wait_whole(replicas=1)
        failover(case, rig, asker, stop, goal=3 * GOAL)
        case.times = 2
        rig.call("status", expected=None)
        rig.call("parked")
        rig.call("reset-shard", "5", "--yes")


@fault("F42", "Sentinel: kill -9 of the master with writes that no replica has, five times")
def sentinel_killed(case):
    """The master's process dies, and commits that it answered are gone."""
    failovers(case, kill, case.scaled(5, 10))


@fault("F42", "Sentinel: SIGSTOP of the master with writes that no replica has, five times; it comes back as a replica")
def sentinel_stopped(case):
    """The master hangs: nothing breaks, and no answer comes."""
    failovers(case, stop, case.scaled(5, 10))


@fault("F42", "Sentinel: SENTINEL FAILOVER while we count; the old master stays one for some seconds, with our connections")
def sentinel_planned(case):
    """The master is made a replica on purpose."""
    with counting(case, down_after=5000) as (rig, _):
        for case.times in range(1, case.scaled(2, 6) + 1):
            known = len(rig.switches.seen)
            rig.sentinels[0].client.sentinel_failover(NAME)
            switched = rig.switches.wait(known)
            rig.follow(rig.named())
            rig.wait_progress(1)
            late = time.monotonic() - switched
            case.note(f"the next commit came {late:.2f} s after +switch-master")
            if late > GOAL:
                raise AssertionError(f"later than {GOAL} s after Sentinel: {late}")
            rig.wait_whole()


@fault("F42", "Sentinel: proxy cuts the master off; a process and a Sentinel stay on its side, with and without min-replicas-to-write")
def sentinel_isolated(case):
    """Two masters, each with a process that commits to it, until the old one hears of the new one."""
    for guarded in (False, True):
        with SentinelRig(case, isolates=True) as rig:
            isolated(case, rig, guarded)
        case.times += 1


def isolated(case, rig, guarded):
    """One isolation; `guarded`: the master takes no commits without a replica."""
    old = rig.server
    minority = MinoritySentinel(old.port)
    try:
        lonely = rig.count("--lanes", "2", url=minority.url)
        other = rig.count("--lanes", "2")
        lonely.wait_ready(), other.wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress(2000)
        if guarded:
            old.client.config_set("min-replicas-to-write", "1")
            old.client.config_set("min-replicas-max-lag", "2")
        since = log_size(lonely)
        rig.front.freeze()
        rig.switches.wait(0)
        rig.follow(rig.named())
        rig.wait_progress(1000)
        if guarded:
            rig.says(lonely, "NOREPLICAS", since)
        else:
            before = rig.counted_on(old)
            wait_until(lambda: rig.counted_on(old) > before + 500, 30, "commits to the isolated master")
        minority.master = rig.server.port
        case.rollbacks += 1
        with case.recovery():
            rig.front.thaw()
            wait_until(lambda: is_replica(old), 60, "the isolated master is a replica")
            rig.wait_fed(replay)
            rig.wait_all()
        case.verified(rig)
        must_run(lonely)
        must_run(other)
    finally:
        minority.stop()
