"""A Redis that refuses: memory, disk, replicas, access, a busy script, a cell that somebody spoiled."""

import json
import resource
import time

import redis
from case import fault
from events import Writer, token
from faults_link import MOST_MEMORY, few_lines
from house import get, key_name, shard_of, tag, wait_until
from rig import is_running, log_size, memory, must_run


def refused(case, rig, machine, word, break_it, mend, lanes=2):
    """Redis refuses commits from `break_it` to `mend`: nothing moves, nothing grows, nothing is lost."""
    since = log_size(machine)
    break_it()
    rig.says(machine, word, since)
    # What was on its way may still land, and the second lane may look a little later.
    time.sleep(1)
    before = rig.counted()
    time.sleep(case.scaled(4, 60))
    if rig.counted() != before:
        raise AssertionError(f"{rig.counted() - before} records were counted although Redis refuses")
    must_run(machine)
    if memory(machine) > MOST_MEMORY:
        raise AssertionError(f"{memory(machine)} MiB of memory")
    # Some lines for each lane, not one for each try: while commits of other shards still pass it comes and goes three
    # times before it is a loop.
    few_lines(machine, "event=refused", 7 * lanes, since)
    case.times += 1
    with case.recovery():
        mend()
        rig.wait_progress()


def finish(case, rig, machine, replay):
    rig.wait_fed(replay, 120)
    rig.wait_all()
    case.verified(rig)
    must_run(machine)


@fault("F15", "CONFIG SET maxmemory below what is used, and up again")
def out_of_memory(case):
    """Redis has no memory left for a while."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=2000)
        for _ in range(case.scaled(1, 4)):
            rig.wait_progress(1000)
            limit = rig.redis.info("memory")["used_memory"] // 2
            refused(
                case, rig, machine, "OOM", lambda: rig.redis.config_set("maxmemory", limit),
                lambda: rig.redis.config_set("maxmemory", 0))
        finish(case, rig, machine, replay)


@fault("F16", "CONFIG SET maxmemory-policy allkeys-lru, before the start and while it runs", in_tests=True)
def eviction(case):
    """Redis may throw cells away: no start, and no commit from the next look on where it ran."""
    with case.rig() as rig:
        rig.redis.config_set("maxmemory-policy", "allkeys-lru")
        machine = rig.count()
        wait_until(lambda: not is_running(machine), 20, "an end because of the eviction policy")
        if machine.process.returncode != 4 or "noeviction" not in machine.log.read_text():
            raise AssertionError(f"ended with {machine.process.returncode}: {machine.log.read_text()[-400:]}")
        rig.redis.config_set("maxmemory-policy", "noeviction")
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress()
        case.times = 1
        refused(
            case, rig, machine, "event=unfit", lambda: rig.redis.config_set("maxmemory-policy", "volatile-ttl"),
            lambda: rig.redis.config_set("maxmemory-policy", "noeviction"))
        finish(case, rig, machine, replay)


@fault("F17", "RLIMIT_FSIZE: the AOF cannot grow; a background save fails")
def disk_full(case):
    """Redis cannot write its files for a while."""
    process = ("--appendonly", "yes", "--appendfsync", "everysec")
    with case.rig(redis=(*process, "--save", "86400 1")) as rig:
        # Lanes without partitions look after their connections as well.
        machine = rig.count("--lanes", "6").wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress(2000)
        number = rig.server.process.pid

        def limit(size):
            resource.prlimit(number, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        def mend_save():
            limit(resource.RLIM_INFINITY)
            rig.redis.bgsave()

        rig.server.kill()
        rig.server.start(file_limit=2**40)
        number = rig.server.process.pid
        rig.wait_progress(1000)
        refused(
            case, rig, machine, "MISCONF", lambda: limit(rig.server.aof().stat().st_size),
            lambda: limit(resource.RLIM_INFINITY), lanes=4)
        rig.redis.config_set("appendonly", "no")
        rig.wait_progress(1000)

        def break_save():
            limit(1000)
            rig.redis.bgsave()

        refused(case, rig, machine, "MISCONF", break_save, mend_save, lanes=4)
        finish(case, rig, machine, replay)


@fault("F18", "min-replicas-to-write 1, the replica is killed and comes back")
def replicas_gone(case):
    """Redis demands a replica and has none for a while."""
    with case.rig() as rig:
        replica = rig.add_redis("replica", "--replicaof", "127.0.0.1", str(rig.server.port))
        rig.server.wait_replica()
        rig.redis.config_set("min-replicas-to-write", 1)
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=2000)
        for _ in range(case.scaled(2, 5)):
            rig.wait_progress(1000)
            refused(case, rig, machine, "NOREPLICAS", replica.kill, replica.start)
        finish(case, rig, machine, replay)


@fault("F20", "ACL SETUSER -zincrby, then +zincrby")
def access_lost(case):
    """Our user loses a command in the middle of its life."""
    with case.rig() as rig:
        rig.redis.acl_setuser(
            "odo", enabled=True, passwords=["+secret"], keys=["odo:*"], commands=["+@all"])
        machine = rig.count(url=rig.server.url.replace("//", "//odo:secret@")).wait_ready()
        replay = rig.feed(rate=2000)
        for command in ("zincrby", "hset", "evalsha"):
            rig.wait_progress(1000)
            refused(
                case, rig, machine, "event=unfit",
                lambda: rig.redis.execute_command("ACL", "SETUSER", "odo", f"-{command}"),
                lambda: rig.redis.execute_command("ACL", "SETUSER", "odo", f"+{command}"))
        finish(case, rig, machine, replay)


@fault("F19", "a text for a hash, a text in a counter, a counter near 2^63; put right later")
def foreign_write(case):
    """Somebody spoils cells: they alone are parked, everything else goes on; put right, they get what they lack."""
    with case.rig() as rig:
        machine = rig.count().wait_ready()
        replay = rig.feed(rate=2000)
        rig.wait_progress(4000)
        spoiled = spoil(rig)
        case.times = len(spoiled)
        wait_until(lambda: troubles(machine, len(spoiled)), 20, f"parked cells in {len(spoiled)} shards")
        said = rig.call("status", "--admin-listen", machine.admin.removeprefix("http://"), expected=1)
        if not all(key in said for key in spoiled):
            raise AssertionError(f"status does not name the keys: {said}")
        before = marks(rig, spoiled)
        wait_until(lambda: marks(rig, spoiled) > before, 20, "the same shards go on")
        with case.recovery():
            for mend in spoiled.values():
                mend()
            # The lanes try by themselves once a minute.
            wait_until(lambda: not troubles(machine, 1), 100, "nothing is parked any more")
        finish(case, rig, machine, replay)


SENTINELS = """\
version: 1
events: {paid: {fields: {amount: {at: /data/amount, is: integer, required: true, max: 9007199254740991}, who: {at: /data/who}}}}
meters:
  paid: {kind: sum, windows: [day, all], on: [{event: paid, amount: amount}]}
  payers: {kind: ranking, by: [who], windows: [all], on: [{event: paid, amount: amount}]}
"""


@fault("F19", "1,025 events of 2^53 - 1 fill a hash cell and a score of one organization")
def sentinel_amounts(case):
    """A producer's sentinel fills the cells of its organization: its shard goes on, and cell + parked is right."""
    most, count = 2**53 - 1, 1025
    with case.rig(partitions=1) as rig:
        catalog = rig.folder / "sentinels.yaml"
        catalog.write_text(SENTINELS)
        loud = "org-0"
        shard = key_name(loud).split("}")[0]
        quiet = next(name for number in range(1, 10_000) if key_name(name := f"org-{number}").split("}")[0] == shard)
        machine = rig.count("--meters", str(catalog)).wait_ready()
        writer = Writer(rig)
        for number in range(count):
            for organization, amount in ((loud, most), (quiet, 1)):
                event = json.loads(token(f"{organization}-{number}", organization))
                event.update(type="paid", data={"amount": amount, "who": "a b"})
                writer.put(json.dumps(event).encode())
        writer.end()
        case.times = count
        rig.wait_all()
        if rig.redis.hget(f"{key_name(quiet)}:totals", "paid") != str(count):
            raise AssertionError("the other organization of the shard is not counted")
        parked = rig.redis.hgetall(f"{shard}}}:parked")
        for kind, key, field, cell in (
            ("H", f"{key_name(loud)}:totals", "paid", rig.redis.hget(f"{key_name(loud)}:totals", "paid")),
            ("Z", f"{key_name(loud)}:payers:all", "a%20b", rig.redis.zscore(f"{key_name(loud)}:payers:all", "a%20b")),
        ):
            aside = sum(int(value) for name, value in parked.items()
                        if name.startswith(kind) and name.split(" ", 1)[1] == f"0 {key} {field}")
            if int(cell) + aside != count * most or not aside:
                raise AssertionError(f"{key}: {cell} + {aside} is not {count * most}")
        listed = json.loads(rig.call("parked", "--json"))
        if listed["count"] != len(parked) or not all(cell["reason"] for cell in listed["cells"]):
            raise AssertionError(f"odometer parked: {listed}")
        report = case.verified(rig, "--meters", str(catalog))
        if report["parked"] != len(parked):
            raise AssertionError(f"verify says {report['parked']} of {len(parked)} parked")
        must_run(machine)


def spoil(rig):
    """Spoils the busiest organizations of three shards; key → what puts it right."""
    found = {}
    for key in rig.redis.scan_iter("odo:1:{*}:*:totals", count=1000):
        fields = {name: int(text) for name, text in rig.redis.hgetall(key).items() if text.isdigit() and len(text) < 16}
        if fields and "=" not in key:
            most = max(fields, key=fields.get)
            # Many different fields: something of it is in nearly every commit.
            found.setdefault(key.split("}")[0], []).append((len(fields), fields[most], key, most))
    busiest = sorted((max(organizations) for organizations in found.values()), reverse=True)[:3]
    spoiled = {}
    for number, (_, _, key, field) in enumerate(busiest):
        if number == 0:
            rig.redis.rename(key, "kept")
            rig.redis.set(key, "somebody else's")
            spoiled[key] = lambda key=key: rig.redis.rename("kept", key)
        else:
            # At once: a commit between would be lost where the old value is put back.
            both = rig.redis.pipeline(transaction=True)
            both.hget(key, field)
            both.hset(key, field, "many" if number == 1 else str(2**63 - 1))
            old = both.execute()[0]
            if number == 1:
                spoiled[key] = lambda key=key, field=field, old=old: rig.redis.hset(key, field, old)
            else:
                # It may have gone down meanwhile: what was added by hand is taken away by hand.
                spoiled[key] = lambda key=key, field=field, old=old: rig.redis.hincrby(
                    key, field, int(old) - (2**63 - 1))
    return spoiled


def troubles(machine, count):
    """What /troubles says where it has at least so many lines, else None."""
    lines = json.loads(get(f"{machine.admin}/troubles")[2])
    return "\n".join(lines) if len(lines) >= count else None


def marks(rig, spoiled):
    """The sum of the marks of shards in which somebody spoiled a cell."""
    shards = {shard_of(key) for key in spoiled}
    fields = [f"{rig.topic}/{partition}" for partition in range(rig.partitions)]
    return sum(
        int(mark or 0)
        for shard in shards
        for mark in rig.redis.hmget(f"odo:1:{{{tag(shard)}}}:marks", fields)
    )


@fault("F21", "busy-reply-threshold 50: a foreign script of some seconds; our own under full load")
def slow_script(case):
    """Redis is busy with a script: we wait, we never kill it, and ours are short."""
    with case.rig(redis=("--slowlog-log-slower-than", "5000", "--slowlog-max-len", "1000")) as rig:
        machine = rig.count().wait_ready()
        rig.fed(case.scaled(150_000, 2_000_000))
        rig.wait_all(120)
        spent = rig.redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        used = rig.redis.info("cpu")
        # Its own time, not that of other programs that need this processor.
        each = 1000 * (used["used_cpu_user_main_thread"] + used["used_cpu_sys_main_thread"]) / spent
        slowest = max((entry["duration"] for entry in rig.redis.slowlog_get(1000) if is_commit(entry)), default=0)
        case.note(f"{spent} commits, {each:.1f} ms of processor time each, the slowest took {slowest // 1000} ms")
        if each > 8 or slowest > 500_000:
            raise AssertionError("commits are too long")
        rig.redis.config_set("busy-reply-threshold", 50)
        replay = rig.feed(rate=2000)
        for case.times in range(1, case.scaled(2, 6) + 1):
            rig.wait_progress()
            since = log_size(machine)
            blocker = redis.Redis(port=rig.server.port, socket_timeout=60)
            blocker.eval(
                "local from = redis.call('TIME') local n = 0 "
                "repeat n = n + 1 local now = redis.call('TIME') until now[1] - from[1] > 3 return n", 0)
            blocker.close()
            few_lines(machine, "event=refused", 4, since)
        with case.recovery():
            rig.wait_progress()
        killed = [name for name in rig.redis.info("commandstats") if "script|kill" in name]
        if killed:
            raise AssertionError("SCRIPT KILL was called")
        finish(case, rig, machine, replay)


def is_commit(entry):
    command = entry["command"]
    text = command if isinstance(command, str) else command.decode(errors="replace")
    return text.upper().startswith("EVALSHA")
