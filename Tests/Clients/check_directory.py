"""A directory topic that is deleted and created again: what its new log says holds, and no command promises more."""

import hashlib
import json
import signal
import subprocess

from checks import check, expect, run
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic
from house import BINARY, BOOTSTRAP, House, get, wait_until

House.needed()
LEDGER = "odo:1:{dir}:ledger"


def recreate(house, records):
    """Deletes the directory topic and makes it again with these records of (key, value)."""
    house.admin.delete_topics([house.directory])[house.directory].result(30)
    topic = NewTopic(house.directory, 1, 1, config={"cleanup.policy": "compact"})
    wait_until(lambda: house.admin.create_topics([topic])[house.directory].exception(30) is None, 30, "the topic again")
    write(house, records)


def write(house, records):
    failed = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "acks": "all"})
    for key, value in records:
        producer.produce(house.directory, key=key, value=value, on_delivery=lambda error, _: error and failed.append(error))
    expect(producer.flush(30) == 0 and not failed, f"not written: {failed}")


def profiles(count, name="filler"):
    return [(f"organization:{name}-{number}", b'{"name":"F","slug":"f"}') for number in range(count)]


def answered(machine, key):
    return get(f"{machine.url}/v1/meters", {"Authorization": f"Bearer {key}"})[0]


def attempt(house, *arguments):
    done = subprocess.run([BINARY, *arguments], env=house.environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def recreated(length):
    """Two keys and 40 profiles are mirrored; the new log has one of the keys, a profile and `length` records in all."""
    with House(1) as house:
        machine = house.start("up").wait_ready()
        kept, gone = house.key("org-1", "operations"), house.key("org-1", "operations")
        write(house, profiles(40))
        hashes = {key: hashlib.sha256(key.encode()).hexdigest() for key in (kept, gone)}
        records = {record.key().decode(): record.value() for record in house.records(house.directory, 1)}
        wait_until(lambda: house.redis.hget(LEDGER, f"directory:{house.directory}") == "42", 10, "all mirrored")
        expect(answered(machine, kept) == answered(machine, gone) == 200, "the keys open")
        name = f"credential:{hashes[kept]}"
        recreate(house, profiles(length - 1, "new") + [(name, records[name])])
        wait_until(lambda: answered(machine, gone) == 401, 30, "a key that the new log does not hold is closed")
        wait_until(lambda: house.redis.hget(LEDGER, f"directory:{house.directory}") == str(length), 30, "the new mark")
        expect(house.redis.hget(LEDGER, f"directory_epoch:{house.directory}") == "1", "the epoch")
        expect(answered(machine, kept) == 200, "a key that the new log holds opens")
        expect("is not the log that was mirrored" in machine.log.read_text(), "the log says nothing")
        code, said, error = attempt(house, "keys", "revoke", hashes[kept])
        expect(code == 0 and said.startswith("revoked"), f"{code} {said} {error}")
        wait_until(lambda: answered(machine, kept) == 401, 2, "a revoked key opens nothing")
        machine.wait_ready()
        expect(house.redis.hget(LEDGER, f"directory_epoch:{house.directory}") == "1", "another epoch")
        found = {line["check"]: line for line in json.loads(attempt(house, "doctor", "--json")[1])["findings"]}
        expect(found["directory-log"]["grade"] == "ok", f"{found['directory-log']}")


@check
def shorter():
    """recreated shorter: mirrored again, a key that is not in it is closed, revoke closes the other"""
    recreated(2)


@check
def as_long():
    """recreated as long as before: the same"""
    recreated(42)


@check
def longer():
    """recreated longer than before: the same"""
    recreated(90)


@check
def revoked_means_revoked():
    """while nothing mirrors the new log, keys revoke fails instead of saying revoked, and doctor says why"""
    for length in (1, 90):
        with House(1) as house:
            machine = house.start("up").wait_ready()
            key = house.key("org-1", "operations")
            digest = hashlib.sha256(key.encode()).hexdigest()
            write(house, profiles(40))
            wait_until(lambda: house.redis.hget(LEDGER, f"directory:{house.directory}") == "41", 10, "all mirrored")
            records = {record.key().decode(): record.value() for record in house.records(house.directory, 1)}
            machine.process.send_signal(signal.SIGSTOP)
            try:
                name = f"credential:{digest}"
                recreate(house, [(name, records[name])] + profiles(length - 1, "new"))
                code, said, error = attempt(house, "keys", "revoke", digest, "--timeout", "5s")
                expect(code == 3 and "revoked" not in said, f"{code} {said}")
                expect("Redis does not" in error, error)
                code, said, _ = attempt(house, "doctor", "--json")
                found = {line["check"]: line for line in json.loads(said)["findings"]}["directory-log"]
                expect(code == 1 and found["grade"] == "error" and "not the log" in found["message"], f"{found}")
            finally:
                machine.process.send_signal(signal.SIGCONT)
            wait_until(lambda: answered(machine, key) == 401, 30, "the running process mirrors the new log")
            code, said, error = attempt(house, "keys", "revoke", digest)
            expect(code == 0 and said.startswith("revoked"), f"{code} {said} {error}")


run()
