"""The way to Redis: frozen, slow, without its script, or leading to another server than before."""

import contextlib
import time

import redis
from case import fault
from house import get, wait_until
from rig import log, log_size, memory, must_run, sleep_until

MOST_MEMORY = 500  # MiB


def is_unready(machine):
    return get(f"{machine.admin}/readyz")[0] == 503


def stayed(case, machine, since=0):
    """Fails where a process ended, left its group or grew without bound."""
    must_run(machine)
    if "event=revoked" in log(machine, since):
        raise AssertionError("the group membership was lost")
    if memory(machine) > MOST_MEMORY:
        raise AssertionError(f"{memory(machine)} MiB of memory")
    case.note(f"{memory(machine)} MiB of memory")


def few_lines(machine, word, most, since=0):
    """Fails where the log says the same again and again."""
    found = log(machine, since).count(word)
    if found > most:
        raise AssertionError(f"'{word}' {found} times in the log")


@fault("F5", "proxy freezes the link; then RST, or it thaws")
def frozen_link(case):
    """A half-open link to a Redis with a user, a password and a database number."""
    with case.rig() as rig:
        rig.redis.acl_setuser(
            "odo", enabled=True, passwords=["+secret word"], keys=["*"], channels=["*"], commands=["+@all"])
        rig.environment["ODOMETER_REDIS"] = f"{rig.server.url}/3"
        rig.redis = redis.Redis(port=rig.server.port, db=3, decode_responses=True)
        proxy = rig.add_proxy()
        url = f"redis://odo:secret%20word@127.0.0.1:{proxy.port}/3"
        machine = rig.count(url=url).wait_ready()
        replay = rig.feed(rate=1500)
        rig.wait_progress()
        since = log_size(machine)
        for case.times in (1, 2):
            proxy.freeze()
            until = time.monotonic() + case.scaled(7, 60)
            wait_until(lambda: is_unready(machine), 20, "/readyz says 503")
            sleep_until(until)
            with case.recovery():
                if case.times == 1:
                    proxy.reset()
                proxy.thaw()
                wait_until(machine.is_ready, 30, "/readyz says 200")
                rig.wait_progress()
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)
        stayed(case, machine, since)
        few_lines(machine, "event=redis", 4 * 2 * case.times, since)


@fault("F6", "proxy delays every reply by 200 ms; CLIENT PAUSE 5000 ALL")
def slow_redis(case):
    """Redis is slow, then silent: nothing piles up and no one leaves the group."""
    with case.rig() as rig:
        proxy = rig.add_proxy()
        machine = rig.count(through=proxy).wait_ready()
        since = log_size(machine)
        rig.fed(30_000)
        rig.wait_progress()
        proxy.delay = 0.2
        replay = rig.feed(150_000)
        until = time.monotonic() + case.scaled(12, 120)
        rig.wait_fed(replay)
        sleep_until(until)
        for case.times in range(1, case.scaled(2, 10) + 1):
            rig.redis.client_pause(5000, all=True)
            time.sleep(case.scaled(6, 8))
        with case.recovery():
            proxy.delay = 0
            rig.wait_all(90)
        case.verified(rig)
        stayed(case, machine, since)


@fault("F14", "SCRIPT FLUSH while commits are on their way")
def script_lost(case):
    """Redis forgets the commit script again and again."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=3000)
        rounds = case.scaled(25, 250)
        for case.times in range(1, rounds + 1):
            rig.wait_progress()
            rig.redis.script_flush(case.chance.choice(("SYNC", "ASYNC")))
            if replay.poll() is not None:
                break
        rig.wait_fed(replay)
        rig.redis.script_flush()
        rig.fed(2_000)
        with case.recovery():
            rig.wait_all()
        case.verified(rig)
        few_lines(machine, "event=refused", 0)


@fault("F10", "replication frozen, master killed, REPLICAOF NO ONE")
def lagging_replica(case):
    """A failover to a replica that had not yet heard of the last commits."""
    with case.rig() as rig:
        front = rig.add_proxy()
        machine = rig.count(through=front).wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress()
        since = log_size(machine)
        for case.times in range(1, case.scaled(2, 8) + 1):
            master, link = rig.server, rig.add_proxy(rig.server)
            replica = rig.add_redis(f"replica-{case.times}", "--replicaof", "127.0.0.1", str(link.port))
            master.wait_replica()
            link.freeze()
            rig.wait_progress(5000)
            master.kill()
            replica.client.replicaof("NO", "ONE")
            rig.look_at(replica)
            case.rollbacks += 1
            with case.recovery():
                front.turn_to(replica.address)
                rig.says(machine, "event=step-back", since)
                rig.wait_progress(1000)
            since = log_size(machine)
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)


@fault("F11", "proxies: master and one process apart, replica promoted, then healed")
def split_brain(case):
    """Two masters, each with a process that commits to it; one of them loses."""
    with case.rig() as rig:
        link = rig.add_proxy()
        other = rig.add_redis("other", "--replicaof", "127.0.0.1", str(link.port))
        fronts = [rig.add_proxy(), rig.add_proxy()]
        machines = [rig.count("--lanes", "2", through=front) for front in fronts]
        for machine in machines:
            machine.wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress(2000)
        for case.times in range(1, case.scaled(2, 6) + 1):
            losing, winning = rig.server, other
            losing.wait_replica()
            link.freeze()
            winning.client.replicaof("NO", "ONE")
            fronts[1].turn_to(winning.address)
            # Both sides go on counting their partitions, each on its own Redis.
            rig.wait_progress(2000)
            rig.look_at(winning)
            rig.wait_progress(2000)
            case.rollbacks += 1
            with case.recovery():
                link.thaw()
                link = rig.add_proxy(winning)
                losing.client.replicaof("127.0.0.1", link.port)
                fronts[0].turn_to(winning.address)
                rig.wait_progress(2000)
            other = losing
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)


@fault("F12", "FAILOVER between master and replica, the link follows 2 s later")
def demoted(case):
    """Our master becomes a replica under us and refuses writes."""
    with case.rig() as rig:
        other = rig.add_redis("other", "--replicaof", "127.0.0.1", str(rig.server.port))
        front = rig.add_proxy()
        machine = rig.count(through=front).wait_ready()
        replay = rig.feed(rate=2000)
        for case.times in range(1, case.scaled(3, 12) + 1):
            rig.wait_progress(1000)
            old = rig.server
            old.wait_replica()
            since = log_size(machine)
            old.client.execute_command("FAILOVER", "TO", "127.0.0.1", other.port, "TIMEOUT", "5000")
            wait_until(lambda: other.client.info("replication")["role"] == "master", 15, "the other is master")
            with contextlib.suppress(AssertionError):
                rig.says(machine, "READONLY", since, seconds=4)
                case.note("READONLY was seen")
            time.sleep(1)
            rig.look_at(other)
            with case.recovery():
                front.turn_to(other.address)
                rig.wait_progress(500)
            other = old
        if not case.notes:
            raise AssertionError("no commit met a demoted master")
        rig.wait_fed(replay)
        rig.wait_all()
        case.verified(rig)


def strangers(server):
    """Connections to a server that are not this process's own."""
    own = server.client.client_id()
    return [one for one in server.client.client_list(_type="normal") if int(one["id"]) != own]


def asked(machine, key):
    """Whether a machine that answers does so on every thread of both listeners."""
    # Outside, /readyz is asked of Redis once a second only.
    pages = [(f"{machine.admin}/readyz", {}), (f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})]
    return all(get(url, headers)[0] == 200 for url, headers in 12 * pages)


@fault("F12", "FAILOVER, then the name leads to the new master; connections to the old one stay open")
def demoted_name(case):
    """The old master lives on as a replica: nobody closes a connection but we."""
    with case.rig() as rig:
        other = rig.add_redis("other", "--replicaof", "127.0.0.1", str(rig.server.port))
        name = rig.add_proxy()
        name_moves(case, rig, other, f"redis://127.0.0.1:{name.port}", lambda server: name.lead_to(server.address))


NAMES = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* The address of redis.moves is in the file NAME_FILE. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list) {
  static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  const char *path = getenv("NAME_FILE"); char text[64]; FILE *file;
  if (!real) real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
  if (node && path && !strcmp(node, "redis.moves") && (file = fopen(path, "r"))) {
    if (fgets(text, sizeof text, file)) node = text;
    fclose(file);
  }
  return real(node, service, hints, list);
}
"""


@fault("F12", "FAILOVER, then DNS has the new master's address, IPv6 and IPv4 in turn; connections to the old one stay open")
def demoted_dns(case):
    """The same by DNS, without any proxy."""
    with case.rig(redis=("--replica-announce-ip", "127.0.0.1")) as rig:
        port = rig.server.port
        other = rig.add_redis(
            "other", "--replicaof", "127.0.0.1", str(port), "--replica-announce-ip", "::1", host="::1", port=port)
        address = rig.folder / "address"

        def lead(server):
            (rig.folder / "next").write_text(server.host)
            (rig.folder / "next").rename(address)

        lead(rig.server)
        name_moves(
            case, rig, other, f"redis://redis.moves:{port}", lead, LD_PRELOAD=rig.shim("names", NAMES),
            NAME_FILE=str(address))


def name_moves(case, rig, other, url, lead, **environment):
    """Master and replica change places, and the name follows by `lead`."""
    machine = rig.count("--lanes", "1", url=url, **environment).wait_ready()
    serve = rig.start("serve", "--rate-limit", "0", ODOMETER_REDIS=url, **environment).wait_ready()
    key = rig.key("acme", "operations")
    replay = rig.feed(rate=2000)
    for case.times in range(1, case.scaled(3, 12) + 1):
        rig.wait_progress(1000)
        old = rig.server
        old.wait_replica()
        since = log_size(machine)
        old.client.execute_command("FAILOVER", "TO", other.host, other.port, "TIMEOUT", "5000")
        wait_until(lambda: other.client.info("replication")["role"] == "master", 15, "the other is master")
        rig.says(machine, "event=no-master", since)
        rig.look_at(other)
        with case.recovery():
            lead(other)
            rig.wait_progress(500)
        # What nobody asks keeps its connection: all threads are asked.
        wait_until(lambda: asked(serve, key) and not strangers(old), 60, "nobody reads the old master")
        few_lines(machine, "event=no-master", 2, since)
        other = old
    rig.wait_fed(replay)
    rig.wait_all()
    case.verified(rig)
    stayed(case, machine)
