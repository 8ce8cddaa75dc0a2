"""A Redis Cluster that can be hurt: masters and replicas, slots that move key by key, and failovers."""

import contextlib
import signal
import time

import house
import redis
from house import free_port, wait_until
from proxy import Proxy
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.retry import Retry
from rig import Rig, sleep_until
from servers import RedisServer

SLOTS = 16384
#: Milliseconds of silence after which a master counts as failed.
NODE_TIMEOUT = 1000
#: Seconds for which a replica keeps the votes of an election, with that silence.
ELECTION = 4.2
#: What a call to a node that is away or not yet in step can raise.
AWAY = (redis.RedisError, OSError)


def slot_of(shard):
    """The slot that all keys of a shard are in."""
    return key_slot(f"{{{house.tag(shard)}}}".encode())


class Node(RedisServer):
    """A redis-server in cluster mode; with a `proxy` clients and replicas reach it by that one only."""

    def __init__(self, folder, *options, proxied=False, timeout=NODE_TIMEOUT):
        port = free_port()
        self.bus, self.proxy, self.is_frozen = free_port(), None, False
        if proxied:
            self.proxy = Proxy(("127.0.0.1", port))
            # The bus between nodes goes on when the proxy is frozen: nobody takes the node for dead.
            options += ("--cluster-announce-port", str(self.proxy.port), "--cluster-announce-bus-port", str(self.bus))
        super().__init__(
            folder, "--cluster-enabled", "yes", "--cluster-port", str(self.bus), "--cluster-node-timeout", str(timeout),
            "--cluster-require-full-coverage", "no", "--cluster-allow-reads-when-down", "no", *options, port=port)
        # Who hangs is asked once, and not for long.
        self.client = redis.Redis(
            port=port, decode_responses=True, encoding_errors="replace", socket_timeout=5, retry=Retry(NoBackoff(), 0))
        self.id = self.client.cluster("MYID")

    @property
    def announced(self):
        """The port by which others know it."""
        return self.proxy.port if self.proxy else self.port

    def is_running(self):
        """Whether the process lives and is not frozen."""
        return self.process.poll() is None and not self.is_frozen

    def role(self):
        """`master` or `slave`; None while it does not answer."""
        with contextlib.suppress(*AWAY):
            return self.client.info("replication")["role"]

    def call(self, *words):
        """A command that nobody routes."""
        return self.client.execute_command(*words)

    def freeze(self):
        """SIGSTOP: its connections stay open, and nothing is answered."""
        self.is_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.is_frozen = False
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """Nodes, and what an operator does with them."""

    def __init__(self, folder, stack, masters=3, replicas=1, **how):
        self._folder, self._stack, self._how = folder, stack, how
        self.nodes, self._elected = [], {}
        first = [self.add() for _ in range(masters)]
        for number, node in enumerate(first):
            begin, end = number * SLOTS // masters, (number + 1) * SLOTS // masters - 1
            node.call("CLUSTER", "ADDSLOTSRANGE", begin, end)
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        others = [self.add() for _ in range(masters * replicas)]
        self.meet()
        for number, node in enumerate(others):
            node.call("CLUSTER", "REPLICATE", first[number % masters].id)
        self.wait_whole()

    def add(self):
        """One more node that knows no other one yet."""
        node = Node(self._folder / f"node-{len(self.nodes)}", **self._how)
        self._stack.callback(lambda: node.process.poll() is None and node.kill())
        if node.proxy:
            self._stack.enter_context(node.proxy)
        self.nodes.append(node)
        return node

    def meet(self):
        """Every node gets to know every other one."""
        first = self.running()[0]
        for node in self.running():
            if node is not first:
                first.call("CLUSTER", "MEET", "127.0.0.1", node.announced, node.bus)
        wait_until(lambda: all(knows(one, len(self.nodes)) for one in self.running()), 30, "every node knows all")

    def forget(self, nodes):
        """Takes nodes without slots out of the cluster and ends them."""
        for node in nodes:
            self.nodes.remove(node)
            node.kill()
        for node in self.running():
            for gone in nodes:
                with contextlib.suppress(redis.ResponseError):
                    node.call("CLUSTER", "FORGET", gone.id)

    # What there is now

    def running(self):
        return [node for node in self.nodes if node.is_running()]

    def urls(self):
        """The address of the whole cluster, by all of its nodes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.announced}" for node in self.nodes)

    def map(self):
        """Who has which slot: {slot: node}, by what each running master says of itself.

        Where two claim a slot, the one of the later epoch has it, as nodes judge it as well."""
        claims = {}
        for node in self.running():
            known = _myself(node)
            if "master" in known.get("flags", ""):
                for words in known["slots"]:
                    for slot in range(int(words[0]), int(words[-1]) + 1):
                        claims[slot] = max(claims.get(slot, (-1, 0, None)), (int(known["epoch"]), node.port, node))
        return {slot: claim[-1] for slot, claim in sorted(claims.items())}

    def masters(self):
        """Nodes that have slots, by their first slots."""
        return list(dict.fromkeys(self.map().values()))

    def owner(self, slot):
        """The master that has a slot; None where it is away."""
        return self.map().get(slot)

    def replicas(self, master):
        """The running replicas of a master."""
        return [node for node in self.running() if node is not master and _myself(node).get("master_id") == master.id]

    def wait_whole(self, seconds=40):
        """Every running node sees all slots served, each replica follows its master, and all say the same of all."""

        def is_at_rest():
            running = self.running()
            return all(map(is_whole, running)) and len({opinion(node) for node in running}) == 1

        wait_until(is_at_rest, seconds, "a whole cluster")

    def in_step(self, master):
        """Waits until a replica of this master has all that was written before."""
        wait_until(lambda: master.client.wait(1, 1000) >= 1, 30, "a replica in step")

    # Failovers

    def take_over(self, master, act, seconds=30):
        """Does something to a master that makes a replica of it the next one; that replica, once all know it."""
        slot = next(slot for slot, node in self.map().items() if node is master)
        family = [master, *self.replicas(master)]
        # A replica takes votes of its last election for those of the next one as long as that is so young.
        sleep_until(max(self._elected.get(node, 0) for node in family) + ELECTION)
        act(master)

        def is_known():
            owners = {self.owner_by(node, slot) for node in self.running()}
            (found,) = owners if len(owners) == 1 else (None,)
            return next((node for node in family[1:] if node.id == found), None)

        new = wait_until(is_known, seconds, "a replica takes over")
        self._elected.update(dict.fromkeys(family, time.monotonic()))
        return new

    @staticmethod
    def owner_by(node, slot):
        """The id of the master that has a slot as this node sees it."""
        with contextlib.suppress(*AWAY):
            return next((owner[2] for begin, end, owner, *_ in node.call("CLUSTER", "SLOTS") if begin <= slot <= end), None)

    def fail_over(self, master):
        """CLUSTER FAILOVER: the replica takes over when it has everything, and no write is lost."""
        replica = self.replicas(master)[0]

        def ask(_):
            wait_until(lambda: _accepts(replica), 20, "the replica accepts")

        return self.take_over(master, ask)


def _accepts(replica):
    # Refused as long as its link to the master is down.
    with contextlib.suppress(redis.ResponseError):
        return replica.call("CLUSTER", "FAILOVER")


def _myself(node):
    """What a node's own map says of it; nothing where it does not answer."""
    with contextlib.suppress(*AWAY):
        return next(one for one in node.client.cluster("NODES").values() if "myself" in one["flags"])
    return {}


def opinion(node):
    """What a node says of each node: its id, whose replica it is, and which slots it has."""
    with contextlib.suppress(*AWAY):
        return frozenset((known["node_id"], known["master_id"], "fail" in known["flags"], str(known["slots"]))
                         for known in node.client.cluster("NODES").values())


def knows(node, count):
    """Whether a node knows so many nodes and every slot's master, and takes part: one that has just come waits a little."""
    state = node.client.cluster("INFO")
    return (int(state["cluster_known_nodes"]) == count and int(state["cluster_slots_assigned"]) == SLOTS
            and state["cluster_state"] == "ok")


def is_whole(node):
    """Whether a node sees all slots served and, as a replica, follows its master."""
    with contextlib.suppress(*AWAY):
        state, link = node.client.cluster("INFO"), node.client.info("replication")
        return (state["cluster_state"] == "ok" and int(state["cluster_slots_assigned"]) == SLOTS
                and int(state["cluster_slots_fail"]) == int(state["cluster_slots_pfail"]) == 0
                and (link["role"] == "master" or link["master_link_status"] == "up"))
    return False


class Move:
    """A slot on its way to another master, key by key, step by step: a case may stop anywhere."""

    def __init__(self, cluster, slot, target, source=None):
        """Without a source it asks who has the slot, which takes some time."""
        self.cluster, self.slot, self.target = cluster, slot, target
        self.source = source or cluster.owner(slot)
        self.moved = 0

    def open(self):
        """CLUSTER SETSLOT on both sides: from here on keys may be on either."""
        self.target.call("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.source.id)
        self.source.call("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.target.id)

    def carry(self, most=50):
        """MIGRATE of so many keys; how many keys that were."""
        keys = self.source.call("CLUSTER", "GETKEYSINSLOT", self.slot, most)
        if keys:
            self.source.call("MIGRATE", "127.0.0.1", self.target.announced, "", 0, 5000, "KEYS", *keys)
        self.moved += len(keys)
        return len(keys)

    def carry_all(self, most=50):
        while self.carry(most):
            pass

    def close(self):
        """The slot is the target's for everybody: it first, then the source, then the other masters."""
        words = ("CLUSTER", "SETSLOT", self.slot, "NODE", self.target.id)
        self.target.call(*words)
        for node in (self.source, *self.cluster.running()):
            # Replicas refuse it (also who became one by giving its last slot away, and loads), and hear of it from others.
            with contextlib.suppress(*AWAY):
                node.call(*words)

    def run(self):
        """The whole move; its seconds."""
        began = time.monotonic()
        self.open()
        self.carry_all()
        self.close()
        return time.monotonic() - began


def shard_slots():
    """The slots that hold anything of a ledger, in their order."""
    return sorted({slot_of(shard) for shard in range(house.SHARDS)} | {key_slot(b"{dir}")})


def share_out(cluster, masters, until=lambda: False):
    """Moves slots, one after the other and key by key, until these masters have even shares of what a ledger uses.

    Slots without a key of ours stay where they are: they would only cost time."""
    slots, owners = shard_slots(), cluster.map()
    for place, slot in enumerate(slots):
        wanted = masters[place * len(masters) // len(slots)]
        if owners[slot] is not wanted:
            Move(cluster, slot, wanted, owners[slot]).run()
        if until():
            return


def client_of(cluster):
    """A client of a package for the whole cluster, past its proxies."""
    ports = {node.announced: node.port for node in cluster.nodes}
    return RedisCluster(
        startup_nodes=[ClusterNode("127.0.0.1", node.port) for node in cluster.nodes], decode_responses=True,
        socket_timeout=5, socket_connect_timeout=5,
        address_remap=lambda address: (address[0], ports.get(address[1], address[1])))


class ClusterRig(Rig):
    """A rig whose Redis is a cluster; its processes know the addresses of its nodes."""

    def __init__(self, case, masters=3, replicas=1, proxied=False, options=(), **settings):
        super().__init__(case, **settings)
        self._shape = {"masters": masters, "replicas": replicas}
        self._how = {"proxied": proxied}
        self._node_options = options

    def _start_redis(self):
        self.cluster = Cluster(self.folder, self._stack, **self._shape, **self._how)
        self._url = self.cluster.urls()
        self.server = None
        self.redis = client_of(self.cluster)
        return self._url

    def counted(self, prefix="odo"):
        """As in Rig; a cluster in the middle of a failover is asked again."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self._counted(prefix)
            except AWAY:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
