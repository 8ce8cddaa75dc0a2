"""Redis Cluster: three masters count and answer, every command works, a shard moves while it is counted."""

import contextlib
import json
import subprocess
import sys
import time

from checks import ROOT, check, expect, run
from credentials import SECRET, Credentials, token
from house import BINARY, SHARDS, House, key_name, shard_of, tag, wait_until
from replaying import replay

sys.path.insert(0, str(ROOT / "Tests/Faults"))

import clusters  # noqa: E402
from commits import Commits  # noqa: E402
from events import token as token_issued  # noqa: E402

House.needed()


class ClusterHouse(House):
    """A House whose Redis is a cluster of three masters."""

    def _start_redis(self):
        self._stack = contextlib.ExitStack()
        self.cluster = clusters.Cluster(self.folder, self._stack, replicas=0)
        self.redis = clusters.client_of(self.cluster)
        return self.cluster.urls()

    def __exit__(self, *details):
        for machine in self._machines:
            if machine.process.poll() is None:
                machine.kill()
        self._stack.close()
        super().__exit__(*details)

    def wait_all(self, seconds=60):
        """Waits until every record is in the audit; quicker than `wait_counted`, as idle marks move every 10 s only."""
        end = sum(self.ends().values())
        # Further events of a record have outcomes, and no offset of their own.
        signs = {"accepted": 1, "duplicate": 1, "ignored": 1, "rejected": 1, "further": -1}

        def counted():
            pipeline = self.redis.pipeline()
            for shard in range(SHARDS):
                pipeline.hgetall(f"odo:1:{{{tag(shard)}}}:audit")
            # The shard's birth has no outcome.
            return sum(
                signs[outcome] * int(value) for audit in pipeline.execute() for name, value in audit.items()
                if (outcome := name.rpartition(":")[2]) in signs)

        wait_until(lambda: counted() >= end, seconds, f"{end} records in the audit")

    def said(self, *arguments, **changes):
        """Exit code and what a command prints to both of its streams."""
        done = subprocess.run(
            [BINARY, *arguments], env={**self.environment, **changes}, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr


def largest_organization(house):
    keys = [record.key().decode() for record in house.records()]
    return max(set(keys), key=keys.count)


@check
def counts_and_answers():
    """the shipped catalog is counted from the broker, and every route of the five documents and every meter answers right"""
    with ClusterHouse() as house:
        secret = house.folder / "jwt"
        secret.write_text(SECRET)
        machine = house.start("up", "--jwt-secret-file", str(secret), "--rate-limit", "0").wait_ready(60)
        replay(house, "--generate", "--seed", "5", "--events", "6000", "--organizations", "40", "--span", "9d", "--freshness")
        used = {house.cluster.owner(clusters.slot_of(shard_of(key_name(one)))).port
                for one in {record.key().decode() for record in house.records()}}
        expect(len(used) == 3, f"organizations are on {used}")
        largest = largest_organization(house)
        path = house.folder / "directory.jsonl"
        profile = {"name": "Acme", "slug": "acme", "billingDay": 3}
        path.write_text(json.dumps({"kind": "organization", "organization": largest, "profile": profile}) + "\n")
        house.call("directory", "import", str(path))
        credentials = Credentials(house, largest, "acme")
        reader = house.folder / "answers.yaml"
        reader.write_text(json.dumps({  # JSON is YAML
            "server": machine.url.removeprefix("http://"),
            "organizations": [{
                "id": largest, "slug": "acme", "key": credentials.key, "token": token(largest),
                "keys": {"overview": credentials.overview_key,
                         **{name: credentials.key for name in ("workspace", "connections", "privacy")}},
            }],
        }))
        result = replay(house, "--generate", "--seed", "6", "--events", "300", "--organizations", "3", "--check",
                        "--answers", str(reader))
        answers = result["answers"]
        expect(result["check"]["result"] == "equal" and not answers["differences"], answers)
        # 34 requests to ten routes, and meters.
        expect(answers["compared"] >= 34 + 15 and not answers["skipped"], answers)
        commands(house, largest)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


def commands(house, organization):
    """Every command that looks at Redis, on the same cluster."""
    shard = shard_of(key_name(organization))
    expect(house.call("verify", "--full").splitlines()[-1] == "equal", "verify --full")
    house.call("verify")
    text = house.call("status")
    expect(house.topic in text, text)
    report = json.loads(house.call("doctor", "--json", expected=None))
    wrong = [finding for finding in report["findings"] if finding["grade"] == "error"]
    expect(not wrong, wrong)
    house.call("plan", "--events", "2000", "--json")

    parked(house, organization)
    house.call("reset-shard", str(shard), "--yes")
    house.wait_all()
    expect(house.call("verify", "--full").splitlines()[-1] == "equal", "verify --full after reset-shard")


def parked(house, organization):
    """A cell that refuses: its change is parked, named, and comes in when the cell takes it."""
    expect("nothing is parked" in house.call("parked"), "parked")
    name = f"{key_name(organization)}:tokens:day:{time.strftime('%Y-%m', time.gmtime())}"
    before = house.redis.hgetall(name)
    house.redis.delete(name)
    house.redis.set(name, "a text")
    producer = house.producer()
    for number in range(10):
        producer.produce(house.topic, key=organization, value=token_issued(f"parked-{number}", organization))
    expect(producer.flush(30) == 0, "not sent")
    house.wait_all()
    said = house.call("parked", expected=None)
    expect(organization in said and "tokens" in said, said)
    house.redis.delete(name)
    if before:
        house.redis.hset(name, mapping=before)
    wait_until(lambda: "nothing is parked" in house.call("parked", expected=None), 90, "what was parked comes in")


@check
def a_shard_moves():
    """a shard moves to another master while it is counted: only it waits, and no cell differs"""
    with ClusterHouse() as house:
        machine = house.start("run", "--lanes", "2").wait_ready(60)
        profile = house.folder / "profile.yaml"
        profile.write_text("organizations: 2560\nskew: 0\nspan: 10m\n")
        writer = house.spawn("replay", "--profile", str(profile), "--events", "78000", "--rate", "6000", "--seed", "8", "--to", house.topic)
        with Commits({node.announced: node.port for node in house.cluster.nodes}) as commits:
            source, target = house.cluster.masters()[:2]
            owned = house.cluster.map()
            shard = next(shard for shard in range(256) if owned[clusters.slot_of(shard)] is source)
            # What this machine makes of the rate while nothing happens: other work may keep it busy.
            commits.begin()
            time.sleep(3)
            usual = max(commits.end().values())
            commits.begin()
            took = clusters.Move(house.cluster, clusters.slot_of(shard), target, source).run()
            longest = commits.end()
        others = max(value for number, value in longest.items() if number != shard)
        print(f"     shard {shard} moved in {took:.2f} s and stood still for {longest[shard]:.2f} s, the others for {others:.2f} s at most, usually {usual:.2f} s")
        expect(longest[shard] <= took + 2 + 2 * usual, f"{longest[shard]:.2f} s")
        expect(others <= 1 + 2 * usual, f"{others:.2f} s")
        expect(writer.wait(60) == 0, "the writer")
        house.wait_all()
        expect(house.cluster.owner(clusters.slot_of(shard)) is target, "the shard did not move")
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        expect(machine.metrics()["odometer_shard_moves_total"] >= 1, "moves in the metrics")
        # A slot that stays open is named, and a command that reads goes on.
        move = clusters.Move(house.cluster, clusters.slot_of(shard), source, target)
        move.open()
        move.carry(3)
        replay(house, "--profile", str(profile), "--events", "20000", "--rate", "6000", "--seed", "9")
        admin = ("--admin-listen", machine.admin.removeprefix("http://"))
        wait_until(lambda: f"shard {shard} waits for its node: open" in house.call("status", *admin, expected=None), 30,
                   "status names the open slot")
        move.carry_all()
        move.close()
        house.wait_all()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell after the second move")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def wrong_addresses():
    """an address of the wrong kind gives one clear line, and of a node of a cluster the one to use"""
    with ClusterHouse() as house:
        node = house.cluster.nodes[0]
        plain = f"redis://127.0.0.1:{node.port}"
        for command in (("run",), ("serve",), ("up",), ("status",), ("verify",), ("parked",), ("doctor",)):
            code, said = house.said(*command, ODOMETER_REDIS=plain, ODOMETER_LISTEN="127.0.0.1:0", ODOMETER_ADMIN_LISTEN="127.0.0.1:0")
            expect(code in (1, 4), f"{command} ended with {code}: {said}")
            # Those that look at the server before anything else name the whole address.
            wanted = "redis+cluster://" + (f"127.0.0.1:{node.port}" if command[0] in ("run", "serve", "up", "doctor") else "")
            expect(wanted in said, f"{command} does not say which address to use: {said}")
        expect(sum(one.client.dbsize() for one in house.cluster.nodes) == 0, "keys are left")
        for wrong, code in ((f"redis+cluster://127.0.0.1:{node.port}/1", 2), ("redis+cluster://", 2), ("cluster://127.0.0.1", 2)):
            found, said = house.said("status", ODOMETER_REDIS=wrong)
            lines = [line for line in said.splitlines() if line]
            expect(found == code and len(lines) == 1, f"{wrong}: {found}: {said}")
        single = clusters.RedisServer(house.folder / "single")
        try:
            for wrong in (f"redis+cluster://127.0.0.1:{single.port}", f"rediss+cluster://127.0.0.1:{node.port}",
                          f"redis+sentinel://127.0.0.1:{node.port}/main"):
                began = time.monotonic()
                found, said = house.said("status", ODOMETER_REDIS=wrong)
                lines = [line for line in said.splitlines() if line]
                expect(found == 1 and len(lines) == 1, f"{wrong}: {found}: {said}")
                print(f"     {lines[0][:150]}")
                expect(time.monotonic() - began < 30, f"{wrong} took too long")
        finally:
            single.kill()


@check
def demonstration():
    """the demonstration on a cluster, which takes its keys away"""
    with ClusterHouse() as house:
        environment = {"PATH": house.environment["PATH"], "ODOMETER_REDIS": house.cluster.urls()}
        done = subprocess.run(
            [BINARY, "demo", "--events", "1000", "--seconds", "0"], env=environment, capture_output=True, text=True,
            timeout=120)
        expect(done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:])
        expect("history: all counted" in done.stdout, done.stdout[-2000:])
        left = [key for node in house.cluster.nodes for key in node.client.keys("*")]
        expect(not left, f"keys are left: {left[:5]}")


run()
