"""Redis Cluster: masters that die, slots that move and stop half-way, nodes that come and go, while everything is counted."""

import contextlib
import subprocess
import time

import house
from case import fault
from clusters import ClusterRig, Move, Node, share_out, shard_slots, slot_of
from commits import Commits
from faults_link import few_lines
from house import get, wait_until
from rig import log_size, must_run, sleep_until
from sentinels import cut_replication

#: Many organizations of one size, so that every shard has events all the time.
PROFILE = "organizations: 2560\nskew: 0\nspan: 10m\n"
#: Longest time without a commit of a shard that does not move, seconds: half of it is the interval between commits.
GOAL = 1.0
LANES = 2
#: More records/s than a small machine writes and counts at the same time.
MORE_THAN_MOST = 20_000
#: What a shard may wait beyond the move of its slot, seconds.
AFTER_MOVE = 2.0


def feed(rig, rate, options=()):
    """Starts writing events of every shard, at a rate, until `wait_fed`."""
    profile = rig.folder / "profile.yaml"
    profile.write_text(PROFILE)
    replay = rig.feed(5_000_000, rate, options=("--profile", str(profile), *options))
    replay.is_endless = True
    return replay


@contextlib.contextmanager
def counting(case, rate=3000, splits=False, **how):
    """A rig that counts; at its end all is counted and every cell is equal. `splits`: shards may be torn in halves."""
    with ClusterRig(case, **how) as rig:
        machine = rig.count("--lanes", str(LANES)).wait_ready()
        replay = feed(rig, rate)
        with Commits({node.announced: node.port for node in rig.cluster.nodes}) as commits:
            yield rig, machine, commits, quiet(case, commits)
        rig.cluster.wait_whole()
        rig.wait_fed(replay)
        finish(case, rig, machine, splits)
        case.verified(rig)
        must_run(machine)


def finish(case, rig, machine, splits, seconds=90):
    """Waits until every record is counted; a shard in halves is reset, as OPERATIONS says."""
    ends, reset = sum(rig.ends().values()), []

    def is_counted():
        for shard in aside(machine):
            # A lane that has not heard of a reset yet goes on for some seconds.
            if shard not in reset and rig.redis.hget(f"odo:1:{{{house.tag(shard)}}}:marks", "!torn"):
                if not splits:
                    raise AssertionError(f"shard {shard} is set aside: {status(rig, machine)[-1500:]}")
                rig.call("reset-shard", str(shard), "--yes")
                reset.append(shard)
        return not aside(machine) and not waiting(machine) and rig.counted() >= ends

    wait_until(is_counted, seconds, f"{ends} records; {rig.counted()} are counted, {aside(machine)} aside, {waiting(machine)} wait")
    if reset:
        case.note(f"in halves, counted again after reset-shard: {', '.join(map(str, reset))}")
    return reset


def aside(machine):
    """Shards that are set aside, by the metrics."""
    return [int(name.split('"')[1]) for name in machine.metrics() if name.startswith("odometer_shard_aside{")]


def waiting(machine):
    """How many shards wait for their node, by reason."""
    return {name.split('"')[1]: int(value) for name, value in machine.metrics().items()
            if name.startswith("odometer_shards_moving{") and value}


def status(rig, machine):
    """What `odometer status` says, also of what this process waits for."""
    return rig.call("status", "--admin-listen", machine.admin.removeprefix("http://"), expected=None)


def shards_on(rig, node):
    """Shards whose slots a node has."""
    slots = rig.cluster.map()
    return [shard for shard in range(house.SHARDS) if slots.get(slot_of(shard)) is node]


def apart(longest, shards):
    """The longest standstill of these shards, and of all others."""
    own = max(longest[shard] for shard in shards)
    return own, max((value for shard, value in longest.items() if shard not in set(shards)), default=0.0)


def quiet(case, commits):
    """The longest standstill while nothing happens: what this machine makes of the rate, whatever else it does."""
    commits.end()
    commits.begin()
    time.sleep(case.scaled(4, 20))
    longest = max(commits.end().values())
    case.note(f"while nothing happens no shard stands still for more than {longest:.2f} s")
    return longest


def steady(what, others, usual):
    """Fails where shards that nothing happened to stood still longer than they do when nothing happens at all."""
    if others > GOAL + 2 * usual:
        raise AssertionError(f"{what}: a shard that nothing happened to stood still for {others:.2f} s, usually {usual:.2f} s")


@fault("F13", "Cluster: kill -9 of each master in turn, with writes that its replica has not")
def cluster_master_killed(case):
    """Masters die with the last commits; their replicas take over."""
    with counting(case) as (rig, _, commits, usual):
        for case.times, master in enumerate(rig.cluster.masters(), 1):
            shards = shards_on(rig, master)
            cut_replication(master)
            rig.wait_progress(1500)
            commits.begin()
            rig.cluster.take_over(master, Node.kill)
            case.rollbacks += 1
            with case.recovery():
                own, others = apart(commits.end(), shards)
            case.note(f"{len(shards)} shards of the dead master stood still for {own:.1f} s at most, the others for {others:.2f} s")
            master.start()
            rig.cluster.wait_whole()


@fault("F13", "Cluster: kill -9 of a replica of each master, start again")
def cluster_replica_killed(case):
    """Replicas die: nobody waits."""
    with counting(case) as (rig, _, commits, usual):
        for case.times, master in enumerate(rig.cluster.masters(), 1):
            replica = rig.cluster.replicas(master)[0]
            replica.kill()
            rig.wait_progress(6000)
            replica.start()
            with case.recovery():
                rig.cluster.wait_whole()
        own, _ = apart(commits.end(), range(house.SHARDS))
        case.note(f"no shard stood still for more than {own:.2f} s")
        steady("a replica killed", own, usual)


@fault("F15", "Cluster: min-replicas-to-write above the replicas of one master, then maxmemory below what it uses; and back")
def cluster_refusing(case):
    """One master answers reads and refuses commits: that is told all the time, and only its shards wait."""
    with counting(case) as (rig, machine, commits, usual):
        node = rig.cluster.masters()[1]
        shards = shards_on(rig, node)
        for word, setting, value in (
                ("NOREPLICAS", "min-replicas-to-write", 2),
                ("OOM", "maxmemory", node.client.info("memory")["used_memory"] // 2)):
            since = log_size(machine)
            commits.end()
            commits.begin()
            node.client.config_set(setting, value)
            before = scripts(node)
            rig.says(machine, word, since)
            wait_until(lambda: waiting(machine).get("refused") == len(shards), 30, "all of its shards wait")
            until = time.monotonic() + case.scaled(12, 60)
            while time.monotonic() < until:
                state, _, said = get(f"{machine.admin}/readyz")
                if state != 503 or word not in said.decode():
                    raise AssertionError(f"/readyz says {state} {said.decode()} while a master refuses")
                time.sleep(0.2)
            # Each lane is refused once for each shard; from then on the master is asked by looks alone.
            sent = scripts(node) - before
            if sent > LANES * len(shards):
                raise AssertionError(f"{sent} commits of {LANES} lanes and {len(shards)} shards were sent to a master that refuses them")
            few_lines(machine, "event=shard-back", 0, since)
            few_lines(machine, "event=refused", 14, since)
            _, others = apart(commits.so_far(), shards)
            with case.recovery():
                node.client.config_set(setting, 0)
                own, after = apart(commits.end(), shards)
                # What is told of the end of this belongs to this, not to what is refused next.
                wait_until(lambda: not waiting(machine), 30, "no shard waits any more")
            case.times += 1
            case.note(f"{word}: {len(shards)} shards stood still for {own:.1f} s, the others for {others:.2f} s at most, {after:.2f} s afterwards")
            steady(word, others, usual)


def scripts(node):
    """Scripts that a node was asked to run, also those that it refused."""
    found = node.client.info("commandstats").get("cmdstat_evalsha", {})
    return sum(int(found.get(name, 0)) for name in ("calls", "rejected_calls"))


def stop_in_the_middle(case, rig, machine, victim, is_begun):
    """Opens a slot, moves some of its keys where it is begun, kills one side, and lets redis-cli close the slot."""
    target, source = rig.cluster.masters()[:2] if case.chance.random() < 0.5 else rig.cluster.masters()[1:3]
    shard = case.chance.choice(shards_on(rig, source))
    slot = slot_of(shard)
    move = Move(rig.cluster, slot, target, source)
    move.open()
    if is_begun:
        keys = source.call("CLUSTER", "COUNTKEYSINSLOT", slot)
        move.carry(max(1, keys // 2))
    wait_until(lambda: waiting(machine), 10, "a shard waits")
    node = move.source if victim == "source" else move.target
    new = rig.cluster.take_over(node, Node.kill)
    node.start()
    wait_until(lambda: node.role() == "slave", 20, "it comes back as a replica")
    rig.wait_progress(3000)
    fix(new)
    wait_until(lambda: not open_slots(rig), 20, "no slot is open")
    # A target that waits for keys has believed the dead source until now.
    rig.cluster.wait_whole()
    return shard


def fix(node):
    """What an operator does about slots that were left open."""
    done = subprocess.run(
        ["redis-cli", "--cluster", "fix", f"127.0.0.1:{node.port}", "--cluster-yes"], capture_output=True, text=True,
        timeout=60, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"redis-cli --cluster fix: {done.stdout[-1500:]}{done.stderr[-500:]}")


def open_slots(rig):
    """Slots that some node calls migrating or importing."""
    return [one for node in rig.cluster.running() for known in node.client.cluster("NODES").values()
            if "myself" in known["flags"] for one in known["migrations"]]


@fault("F13", "Cluster: kill -9 of the source between SETSLOT and MIGRATE, then in the middle of MIGRATE; redis-cli --cluster fix")
def cluster_source_killed(case):
    """The master that a slot moves away from dies half-way."""
    stopped(case, "source")


@fault("F13", "Cluster: kill -9 of the target between SETSLOT and MIGRATE, then in the middle of MIGRATE; redis-cli --cluster fix")
def cluster_target_killed(case):
    """The master that a slot moves to dies half-way."""
    stopped(case, "target")


def stopped(case, victim):
    """Both points of time, one after the other."""
    with counting(case, splits=True) as (rig, machine, *_):
        for is_begun in (False, True):
            shard = stop_in_the_middle(case, rig, machine, victim, is_begun)
            case.times += 1
            with case.recovery():
                reset = settle(rig, machine, shard)
            when = "in the middle of MIGRATE" if is_begun else "between SETSLOT and MIGRATE"
            case.note(f"{victim} killed {when}: shard {shard} {'was in halves and was reset' if reset else 'went on by itself'}")


def settle(rig, machine, shard, seconds=40):
    """Waits until a shard goes on by itself, or is in halves and reset; whether it was reset."""
    wait_until(lambda: shard in aside(machine) or not waiting(machine), seconds, f"shard {shard} goes on or is torn")
    found = aside(machine)
    if not found:
        return False
    if found != [shard]:
        raise AssertionError(f"shards {found} are set aside, {shard} was hurt")
    if machine.metrics().get("odometer_shards_split") != 1:
        raise AssertionError("the shard is not torn as split")
    said = status(rig, machine)
    if "split" not in said:
        raise AssertionError(f"status does not say split: {said}")
    rig.call("reset-shard", str(shard), "--yes")
    wait_until(lambda: not aside(machine), 30, "the shard is counted again")
    return True


@fault("F13", "Cluster: a slot left open, empty-handed and half-way; closed again by SETSLOT STABLE, by its end, and by going back")
def cluster_slot_stuck(case):
    """An operator forgets a slot: its shard waits and says so, the others go on."""
    with counting(case) as (rig, machine, commits, usual):
        source, target = rig.cluster.masters()[:2]
        for way in ("stable", "end", "back"):
            shard = case.chance.choice(shards_on(rig, source))
            move = Move(rig.cluster, slot_of(shard), target, source)
            commits.begin()
            since = log_size(machine)
            move.open()
            if way != "stable":
                move.carry(max(1, source.call("CLUSTER", "COUNTKEYSINSLOT", move.slot) // 2))
            rig.says(machine, "event=shard-moving", since)
            wait_until(lambda: waiting(machine) == {"open": 1}, 10, "one shard waits")
            rig.wait_progress(12_000)
            if not commits.stand_still([shard], 2):
                raise AssertionError("a shard with an open slot was committed")
            said = status(rig, machine)
            if f"shard {shard} waits for its node: open" not in said:
                raise AssertionError(f"status does not name shard {shard}: {said}")
            close(move, way)
            case.times += 1
            with case.recovery():
                own, others = apart(commits.end(), [shard])
            case.note(f"{way}: the shard stood still for {own:.1f} s, the others for {others:.2f} s at most")
            steady(f"a slot left open ({way})", others, usual)
            source, target = (target, source) if way == "end" else (source, target)


def close(move, way):
    """Ends a move as planned, or takes it back."""
    if way == "end":
        move.carry_all()
        move.close()
        return
    # The owner takes keys back only once it no longer moves them away; who does not own a slot gives its keys all the same.
    move.source.call("CLUSTER", "SETSLOT", move.slot, "STABLE")
    Move(move.cluster, move.slot, move.source, move.target).carry_all()
    move.target.call("CLUSTER", "SETSLOT", move.slot, "STABLE")


def half_of_maximum(case, rig, first=20_000, events=60_000):
    """Half of the rate at which records are counted here while they are written, and the process that counts.

    The writer, the brokers and six servers share this machine with what is measured: a log that waits is counted
    more quickly, and at half of that rate nothing would be left for the counting."""
    machine = rig.count("--lanes", str(LANES)).wait_ready()
    replay = feed(rig, MORE_THAN_MOST)
    wait_until(lambda: rig.counted() >= first, 60, f"{first} records")
    began, before = time.monotonic(), rig.counted()
    wait_until(lambda: rig.counted() >= before + events, 120, f"{events} more records")
    most = (rig.counted() - before) / (time.monotonic() - began)
    rig.wait_fed(replay)
    wait_until(lambda: rig.counted() >= sum(rig.ends().values()), 120, "all records")
    case.note(f"maximum {most:,.0f} records/s while they are written")
    return int(most / 2), machine


@contextlib.contextmanager
def under_load(case, **how):
    """Like `counting`, at half of the maximum of this machine (of a debug build or of a busy one it is less)."""
    with ClusterRig(case, **how) as rig:
        rate, machine = half_of_maximum(case, rig)
        replay = feed(rig, rate)
        with Commits({node.announced: node.port for node in rig.cluster.nodes}) as commits:
            yield rig, machine, commits, quiet(case, commits)
        rig.cluster.wait_whole()
        rig.wait_fed(replay)
        finish(case, rig, machine, splits=False)
        case.verified(rig, seconds=150)
        must_run(machine)


@fault("F13", "Cluster: shards move between masters key by key at half of the maximum")
def cluster_moves(case):
    """A shard moves while everything is counted: it waits for its own move, the others do not."""
    with under_load(case) as (rig, _, commits, usual):
        for case.times in range(1, case.scaled(5, 50) + 1):
            source, target = case.chance.sample(rig.cluster.masters(), 2)
            shard = case.chance.choice(shards_on(rig, source))
            commits.end()
            commits.begin()
            took = Move(rig.cluster, slot_of(shard), target, source).run()
            own, others = apart(commits.end(), [shard])
            case.recoveries.append(own)
            case.note(f"shard {shard}: the move took {took:.2f} s, the shard stood still for {own:.2f} s, the others for {others:.2f} s at most")
            if own > took + AFTER_MOVE:
                raise AssertionError(f"shard {shard} stood still for {own:.2f} s, its move took {took:.2f} s")
            steady("a move", others, usual)


@fault("F13", "Cluster: 3 masters become 6 and 3 again, slot by slot, at half of the maximum", longest=600)
def cluster_grows(case):
    """Masters are added and taken away while everything is counted."""
    with under_load(case) as (rig, _, commits, usual):
        first = rig.cluster.masters()
        more = [rig.cluster.add() for _ in range(3)]
        rig.cluster.meet()
        for what, masters in (("3 to 6", first + more), ("6 to 3", first)):
            commits.end()
            commits.begin()
            began = time.monotonic()
            share_out(rig.cluster, masters)
            took = time.monotonic() - began
            with case.recovery():
                longest = commits.end()
            case.times += 1
            case.note(f"{what} masters: {len(shard_slots())} slots shared out in {took:.1f} s; no shard stood still for more than {max(longest.values()):.2f} s")
        rig.cluster.wait_whole()
        rig.cluster.forget(more)


@fault("F13", "Cluster: 20 failovers, CLUSTER FAILOVER and kill -9 in turn, each with writes under way")
def cluster_failovers(case):
    """Masters change again and again."""
    with counting(case) as (rig, _, commits, usual):
        for case.times in range(1, case.scaled(20, 100) + 1):
            masters = rig.cluster.masters()
            master = masters[case.times % len(masters)]
            rig.wait_progress(300)
            if case.times % 4:
                rig.cluster.fail_over(master)
            else:
                rig.cluster.take_over(master, Node.kill)
                case.rollbacks += 1
                master.start()
            rig.cluster.wait_whole()
        with case.recovery():
            longest = commits.end()
        case.note(f"no shard stood still for more than {max(longest.values()):.1f} s")


@fault("F13", "Cluster: a master sleeps until its replica has taken over, and wakes with our connections and commits; CLUSTER FAILOVER")
def cluster_demoted(case):
    """A master is one no longer, and its clients still hold it."""
    with counting(case) as (rig, machine, commits, usual):
        for case.times in range(1, case.scaled(4, 16) + 1):
            masters = rig.cluster.masters()
            master = masters[case.times % len(masters)]
            shards = shards_on(rig, master)
            rig.wait_progress(1000)
            commits.begin()
            if case.times % 2:
                rig.cluster.take_over(master, Node.freeze)
                case.rollbacks += 1
                master.thaw()
            else:
                rig.cluster.fail_over(master)
            with case.recovery():
                own, others = apart(commits.end(), shards)
            how = "slept" if case.times % 2 else "CLUSTER FAILOVER"
            case.note(f"{how}: its shards stood still for {own:.2f} s, the others for {others:.2f} s at most")
            steady(how, others, usual)
            rig.cluster.wait_whole()


@fault("F13", "Cluster: a proxy cuts the link to one master for some seconds; then RST, or it thaws")
def cluster_link_cut(case):
    """The way to one master is gone, for clients only: no failover, and only its shards wait."""
    with counting(case, proxied=True) as (rig, machine, commits, usual):
        for case.times, master in enumerate(rig.cluster.masters()[:2], 1):
            shards = shards_on(rig, master)
            commits.begin()
            master.proxy.freeze()
            until = time.monotonic() + case.scaled(10, 60)
            wait_until(lambda: commits.stand_still(shards, 3), 20, "its shards stand still")
            wait_until(lambda: waiting(machine), 20, "shards wait")
            sleep_until(until)
            _, others = apart(commits.so_far(), shards)
            with case.recovery():
                if case.times == 1:
                    master.proxy.reset()
                master.proxy.thaw()
                own, after = apart(commits.end(), shards)
            # The shards that were cut off are read again, and the window of ids before them: that keeps the others waiting.
            case.note(f"{len(shards)} shards of the cut master stood still for {own:.1f} s, the others for {others:.2f} s at most, {after:.2f} s afterwards")
            steady("a link cut", others, usual)
            if rig.cluster.owner(slot_of(shards[0])) is not master:
                raise AssertionError("another master took over")
