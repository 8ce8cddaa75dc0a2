"""The ways in which a Redis server is offered, and a whole count on a server of each.

A shape says what is different; `counts` counts through a kill -9 of the server, verifies every cell and asks for an
answer. `check_managed.py` does that on the installed server, `Tests/Servers/matrix.py` on every server that it finds.
"""

import dataclasses
import json

from checks import expect
from house import get, wait_until
from managed_proxy import ManagedProxy
from server_binaries import ServerHouse

PASSWORD = "a-password"
#: Lines of INFO without which a server says little of itself.
FIELDS = (
    "run_id", "evicted_keys", "maxmemory_policy", "aof_enabled", "redis_version", "redis_mode", "role",
    "cluster_enabled", "used_memory", "maxmemory",
)


@dataclasses.dataclass(frozen=True)
class Shape:
    """One way in which a server is offered."""

    name: str
    #: Options of the server.
    options: tuple = ()
    #: Rights that the user of `check --acl` has more and less; None: the default user.
    more: tuple = ()
    less: tuple | None = None
    #: What a proxy before the server refuses and hides.
    refused: tuple = ()
    hidden: tuple = ()
    #: Whether it must be said that a person has looked at the eviction policy.
    needs_look: bool = False
    #: What `doctor` must say of dumps; None: nothing.
    dumps: str | None = None


SHAPES = (
    Shape("default user"),
    Shape("documented rights", less=()),
    Shape("CONFIG renamed", options=("--rename-command", "CONFIG", "")),
    Shape("RESTORE denied", less=("restore",), dumps="may not run RESTORE"),
    Shape("RESTORE renamed", options=("--rename-command", "RESTORE", ""), dumps="has no RESTORE"),
    Shape("SCRIPT denied", less=("script|load",), more=("eval",)),
    Shape("INFO cut short", hidden=FIELDS),
    Shape(
        "all of it", refused=("CONFIG", "ACL", "SCRIPT", "RESTORE", "MEMORY", "COMMAND", "MODULE"), hidden=FIELDS,
        needs_look=True, dumps="has no RESTORE",
    ),
)


def make_user(house, less=(), more=(), user="odometer"):
    """Makes the user of `odometer check --acl` with other rights, and lets odometer enter as that one."""
    words = house.call("check", "--acl").split()
    expect(words[:3] == ["ACL", "SETUSER", "odometer"], words[:3])
    words[2] = user
    taken = [word for word in words if word.removeprefix("+") not in less]
    expect(len(taken) == len(words) - len(less), f"one of {less} is not in the line")
    taken += [f"+{right}" for right in more]
    house.redis.execute_command(*(word.replace("PASSWORD", PASSWORD) for word in taken))
    house.enter_as(user, PASSWORD)


class ShapedHouse(ServerHouse):
    """A House on a server of one shape."""

    def __init__(self, program, shape, **settings):
        super().__init__(program, "--appendonly", "yes", *shape.options, **settings)
        self.shape = shape
        self.proxy = None

    def __enter__(self):
        super().__enter__()
        if self.shape.less is not None:
            # The user must be there again after the server was killed.
            self.options = (*self.options, "--aclfile", str(self.folder / "users"))
            make_user(self, self.shape.less, self.shape.more)
            lines = self.redis.execute_command("ACL", "LIST")
            (self.folder / "users").write_text("\n".join(lines) + "\n")
        if self.shape.refused or self.shape.hidden:
            self.proxy = ManagedProxy(self.socket, self.folder, self.shape.refused, self.shape.hidden)
            self.environment["ODOMETER_REDIS"] = f"unix://{self.proxy.path}"
        return self

    def __exit__(self, *problem):
        if self.proxy:
            self.proxy.close()
        super().__exit__(*problem)


def counts(program, shape, events=4000):
    """Counts, kills the server, counts on, verifies every cell, asks for an answer; what doctor says of Redis."""
    # On a machine with other work a counting process that gives way is not counting.
    with ShapedHouse(program, shape, nice=0) as house:
        if shape.needs_look:
            machine = house.start("run")
            expect(machine.process.wait(60) == 4, f"exit code {machine.process.returncode}")
            said = machine.log.read_text()
            expect("--redis-eviction-checked" in said, said[-1000:])
            house.environment["ODOMETER_REDIS_EVICTION_CHECKED"] = "on"
        machine = house.start("run", "--lanes", "2").wait_ready()
        house.call("replay", "--generate", "--seed", "5", "--events", str(events // 2), "--to", house.topic)
        wait_until(lambda: machine.outcomes().get("accepted", 0) > 100, 30, "some are counted")
        house.kill_server()
        house.start_server()
        house.call("replay", "--generate", "--seed", "6", "--events", str(events // 2), "--to", house.topic)
        key = house.key("org-1", "operations")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        serve = house.start("serve").wait_ready()
        status, _, body = get(f"{serve.url}/v1/meters", {"Authorization": f"Bearer {key}"})
        expect(status == 200, f"{status}: {body}")
        doctor = json.loads(house.call("doctor", "--json"))
        found = {entry["check"]: entry["message"] for entry in doctor["findings"] if entry["subject"] == "redis"}
        expect((shape.dumps or "") in found.get("redis-dumps", ""), found)
        expect(shape.dumps or "redis-dumps" not in found, found)
        troubles = get(f"{machine.admin}/troubles")[2].decode()
        expect(("a person looked" in troubles) == shape.needs_look, troubles)
        restores = house.redis.info("commandstats").get("cmdstat_restore")
        made = restores["calls"] if restores else 0
        expect((made == 0) == (shape.dumps is not None), f"{made} dumps were restored")
        for word in ("event=unfit", "event=shard-aside"):
            expect(word not in machine.log.read_text(), machine.log.read_text()[-1500:])
        expect(machine.terminate() == 0 and serve.terminate() == 0, "exit code")
        return found
