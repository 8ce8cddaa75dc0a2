"""A directory topic that is deleted and created again."""

import hashlib
import subprocess

import house
from case import fault
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic
from house import wait_until
from rig import SESSION, must_run


def recreate(rig):
    """Deletes the directory topic and makes it again, empty."""
    rig.admin.delete_topics([rig.directory])[rig.directory].result(30)
    config = {"cleanup.policy": "compact", **({"min.insync.replicas": "2"} if rig.replication > 1 else {})}
    topic = NewTopic(rig.directory, 1, rig.replication, config=config)
    wait_until(lambda: rig.admin.create_topics([topic])[rig.directory].exception(30) is None, 30, "the topic again")


@fault("F27", "directory topic recreated shorter, as long and longer, under a running process and while it sleeps")
def directory_recreated(case):
    """What the new log holds, holds; a key that it does not hold opens nothing; nothing is called revoked that opens."""
    for length in (2, 40, 200):
        with case.rig() as rig:
            machine = rig.start("up", *SESSION).wait_ready()
            keys = [rig.key("org-0", "operations") for _ in range(2)]
            names = [f"credential:{hashlib.sha256(key.encode()).hexdigest()}" for key in keys]
            held = {record.key().decode(): record.value() for record in rig.records(rig.directory, 1)}
            profiles = [(f"organization:filler-{number}", b'{"name":"F","slug":"f"}') for number in range(200)]
            put_directory(rig, profiles[:38])
            wait_until(lambda: mirrored(rig) == 40, 20, "the first log")
            asleep = case.chance.random() < 0.5
            if asleep:
                rig.pause(machine)
            recreate(rig)
            put_directory(rig, [*profiles[:length - 1], (names[0], held[names[0]])])
            if asleep:
                done = subprocess.run([house.BINARY, "keys", "revoke", names[0].split(":")[1], "--timeout", "3s"],
                                      env=rig.environment, capture_output=True, text=True, timeout=60)
                if done.returncode != 3 or "revoked" in done.stdout:
                    raise AssertionError(f"keys revoke ended with {done.returncode}: {done.stdout}{done.stderr}")
                rig.go_on(machine)
            case.times += 1
            with case.recovery():
                wait_until(lambda: opens(machine, keys[1]) == 401, 60, "a key of the old log is closed")
                wait_until(lambda: opens(machine, keys[0]) == (401 if asleep else 200), 60, "the key of the new log")
            rig.call("keys", "revoke", names[0].split(":")[1])
            wait_until(lambda: opens(machine, keys[0]) == 401, 5, "a revoked key opens nothing")
            must_run(machine)
            case.events += length


def put_directory(rig, records):
    """Writes records of (key, value) to the directory topic."""
    failed = []
    producer = Producer({"bootstrap.servers": rig.environment["ODOMETER_BOOTSTRAP"], "acks": "all", "log_level": 0})
    for key, value in records:
        producer.produce(rig.directory, key=key, value=value, on_delivery=lambda error, _: error and failed.append(error))
    if producer.flush(60) or failed:
        raise AssertionError(f"not written: {failed[:3]}")


def mirrored(rig):
    """The mark of the directory."""
    return int(rig.redis.hget("odo:1:{dir}:ledger", f"directory:{rig.directory}") or 0)


def opens(machine, key):
    """The status that a request with this key is answered with."""
    return house.get(f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})[0]
