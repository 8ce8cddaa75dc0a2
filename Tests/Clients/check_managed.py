"""Servers as managed services offer them: each works, or is refused with what to set."""

from checks import check, expect, run
from house import House, wait_until
from server_binaries import ServerHouse, binary
from server_shapes import PASSWORD, SHAPES, counts, make_user

House.needed()
#: What the other checks do not count on already.
CHECKED = ("CONFIG renamed", "RESTORE denied", "SCRIPT denied", "all of it")


def add(shape):
    """Adds the check of one shape."""

    def managed():
        counts(binary(""), shape)

    managed.__doc__ = f"{shape.name}: counts through a kill -9 of the server, every cell equal, answers"
    check(managed)


for shape in SHAPES:
    if shape.name in CHECKED:
        add(shape)


@check
def restore_revoked():
    """RESTORE taken away and given back while it counts: the commits change their way, and every cell is equal"""
    with ServerHouse(binary("")) as house:
        make_user(house)
        machine = house.start("run", "--lanes", "1").wait_ready()
        writer = house.spawn(
            "replay", "--generate", "--seed", "5", "--events", "200000", "--rate", "1500", "--to", house.topic)
        commits = "odometer_commits_total"
        wait_until(lambda: machine.metrics()[commits] > 20, 60, "it counts")
        for right, word in (("-restore", "may not run RESTORE"), ("+restore", "made of dumps again")):
            stood = machine.metrics()[commits]
            house.redis.execute_command("ACL", "SETUSER", "odometer", right)
            wait_until(lambda word=word: word in machine.log.read_text(), 60, f"{right} is told")
            wait_until(lambda stood=stood: machine.metrics()[commits] > stood + 20, 60, f"it counts with {right}")
        writer.kill()
        writer.wait()
        house.wait_counted()
        expect("event=shard-aside" not in machine.log.read_text(), machine.log.read_text()[-2000:])
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")


@check
def missing_right_is_named():
    """a user who may ask nothing and lacks a right waits with one line that names it and the command that prints them"""
    with ServerHouse(binary("")) as house:
        make_user(house, ("hmget", "acl|whoami", "acl|dryrun"))
        machine = house.start("run")
        wait_until(lambda: "hmget" in machine.log.read_text(), 30, "the right is named")
        said = machine.log.read_text()
        expect("odometer check --acl" in said, said[-1500:])
        house.redis.execute_command("ACL", "SETUSER", "odometer", "on", f">{PASSWORD}", "+hmget")
        machine.wait_ready()
        expect(machine.terminate() == 0, "exit code")


run()
