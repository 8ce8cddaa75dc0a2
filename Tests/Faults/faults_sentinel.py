"""Redis Sentinel makes a replica the master: killed, hanging or cut-off masters, with writes lost."""

import contextlib
import signal
import time

import house
import redis
from case import fault
from house import wait_until
from rig import must_run
from sentinels import Asker, SentinelRig, cut_replication, restore_replication

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


def total(server):
    """How many records the shards of a server have taken."""
    with server.client.pipeline(transaction=False) as pipeline:
        for shard in range(house.SHARDS):
            pipeline.hvals(f"odo:1:{{{shard}}}:audit")
        return sum(int(value) for values in pipeline.execute() for value in values)


def promoted(servers, kept):
    """The master among these whose numbers are no longer what it kept: it has a commit of ours."""
    for server in servers:
        with contextlib.suppress(redis.RedisError):
            if not is_replica(server) and total(server) != kept[server.port]:
                return server


def failover(case, rig, asker, how):
    """Hurts the master after writes that no replica has; seconds to the next commit and the last failed answer."""
    old, others = rig.server, [server for server in rig.servers if server is not rig.server]
    cut_replication(old)
    rig.wait_progress(500)
    # Without replication their numbers stay until one of them is the master.
    kept = {server.port: total(server) for server in others}
    known, had = len(rig.switches.seen), rig.counted()
    how(old)
    began = time.monotonic()
    new = wait_until(lambda: promoted(others, kept), 60, "a commit to another master")
    committed = time.monotonic()
    case.rollbacks += 1
    rig.follow(new)
    with case.recovery():
        wait_until(lambda: rig.counted() > had, 60, "more than the old master had")
    switched = rig.switches.wait(known)
    answered = asker.last_failure(began)
    revive(old, how)
    rig.wait_whole()
    return committed - switched, answered - switched, had - kept[new.port]


def failovers(case, ways, down_after=1000):
    """Failovers one after the other, then every cell."""
    with SentinelRig(case, down_after) as rig:
        machine = rig.count().wait_ready()
        serve = rig.start("serve", "--rate-limit", "0").wait_ready()
        key = rig.key("acme", "operations")
        replay = rig.feed(rate=2000)
        rig.wait_progress()
        times = []
        with Asker(serve, key) as asker:
            for how in ways:
                times.append(failover(case, rig, asker, how))
                case.times += 1
                case.note(
                    f"{how.__name__}: {times[-1][2]} records lost with it; after +switch-master the next commit came "
                    f"after {times[-1][0]:.2f} s, the last answer that failed after {times[-1][1]:.2f} s")
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)
        must_run(machine)
        must_run(serve)
        if not all(lost > 0 for _, _, lost in times):
            raise AssertionError("a failover lost no writes")
        late = [pair for pair in times if max(pair[:2]) > GOAL]
        if late:
            raise AssertionError(f"later than {GOAL} s after Sentinel: {late}")


@fault("F42", "Sentinel: kill -9 of the master, then SIGSTOP of its successor; each with writes that no replica has", alone=True)
def sentinel_short(case):
    """The quick variant of `make test`: one failover of each kind."""
    failovers(case, (kill, stop), down_after=700)


@fault("F42", "Sentinel: kill -9 of the master with writes that no replica has, five times")
def sentinel_killed(case):
    """The master's process dies, and commits that it answered are gone."""
    failovers(case, [kill] * case.scaled(5, 10))


@fault("F42", "Sentinel: SIGSTOP of the master with writes that no replica has, five times; it comes back as a replica")
def sentinel_stopped(case):
    """The master hangs: nothing breaks, and no answer comes."""
    failovers(case, [stop] * case.scaled(5, 10))
