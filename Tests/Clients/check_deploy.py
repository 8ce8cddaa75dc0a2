"""What deploy/ and the scripts say: read as the tools read it, where they are here, and held against the rest."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import yaml

from checks import ROOT, check, expect, run

DEPLOY = ROOT / "deploy"
BINARY = os.environ.get("TEST_BINARY")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
# The variables of the image.
IMAGE = dict(pair.split("=", 1) for pair in re.search(r"(?m)^ENV (.*)$", DOCKERFILE)[1].split())
# The package that holds a library, by Debian 12's names.
PACKAGES = {
    "librdkafka.so.1": "librdkafka1",
    "libhiredis.so.0.14": "libhiredis0.14",
    "libmicrohttpd.so.12": "libmicrohttpd12",
    "libgnutls.so.30": "libgnutls30",
    "libsimdjson.so.14": "libsimdjson14",
    "libyaml-0.so.2": "libyaml-0-2",
    "libjwt.so.0": "libjwt0",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libcurl.so.4": "libcurl4",
    "libprotobuf.so.32": "libprotobuf32",
    "libstdc++.so.6": "libstdc++6",
}
IN_EVERY_IMAGE = ("libc.so", "libm.so", "libgcc_s.so", "ld-linux", "libswift", "libFoundation", "lib_Foundation", "libdispatch", "libBlocks")


def stdout(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def installed(stage):
    """Debian packages that a stage of the Dockerfile installs."""
    text = DOCKERFILE.split("\nFROM ")[stage]
    names = re.search(r"apt-get install --yes --no-install-recommends(.*?)&&", text, re.S)[1]
    return set(names.split())


@check
def unit():
    """the systemd unit is one that systemd understands, hardened"""
    if not shutil.which("systemd-analyze"):
        return
    text = (DEPLOY / "odometer.service").read_text()
    with tempfile.TemporaryDirectory() as folder:
        # The executable is not installed here; everything else is taken unchanged.
        copy = pathlib.Path(folder) / "odometer.service"
        copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60
        )
        complaints = [line for line in done.stderr.splitlines() if "odometer.service" in line]
        expect(not complaints, complaints)
        shown = stdout("systemd-analyze", "security", "--offline=true", "--no-pager", str(copy))
        level = float(re.search(r"Overall exposure level.*: ([0-9.]+)", shown)[1])
        expect(level <= 1.5, f"exposure level {level}")


def calls(name):
    """The system calls of one of systemd's sets, or the call itself."""
    if not name.startswith("@"):
        return {name}
    lines = (line.strip() for line in stdout("systemd-analyze", "syscall-filter", name).splitlines()[1:])
    return set().union(*(calls(line) for line in lines if line and not line.startswith("#")))


@check
def batch_work():
    """the unit lets threads become batch work, and gives no other way to change priorities or limits"""
    if not shutil.which("systemd-analyze"):
        return
    text = (DEPLOY / "odometer.service").read_text()
    # As systemd adds them up: the first line says what is allowed, the next ones add and take away in their order.
    allowed = set()
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", text):
        named = set().union(*(calls(name) for name in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    expect("sched_setscheduler" in allowed, "decision 0026 has no effect")
    expect(not allowed & (calls("@resources") - {"sched_setscheduler"}), "more of @resources")
    expect("RestrictRealtime=yes" in text, "real time")


# Machine.stop's watchdog: how long an orderly stop may take.
LONGEST_STOP = int(re.search(r"Watchdog\.start\(milliseconds: ([\d_]+)",
                             (ROOT / "Sources/odometer/Machine/Machine.swift").read_text())[1]) // 1000


@check
def stops():
    """unit and compose give a stop all the time that it may take, and some more"""
    unit = int(re.search(r"(?m)^TimeoutStopSec=(\d+)$", (DEPLOY / "odometer.service").read_text())[1])
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["odometer"]
    grace = int(re.fullmatch(r"(\d+)s", service["stop_grace_period"])[1])
    for seconds in (unit, grace):
        expect(LONGEST_STOP + 5 <= seconds <= 2 * LONGEST_STOP, f"{seconds} s, a stop may take {LONGEST_STOP} s")


@check
def compose():
    """compose starts a real Kafka and a Redis that evicts nothing and keeps what it acknowledged"""
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = document["services"]
    expect(services["kafka"]["image"] == "apache/kafka:4.3.0", "kafka")
    expect(services["redis"]["image"].startswith("redis:7"), "redis")
    redis = " ".join(services["redis"]["command"])
    expect("--appendonly yes" in redis and "--maxmemory-policy noeviction" in redis, redis)
    for name, service in services.items():
        expect(not service.get("image", "x:1").endswith(":latest"), name)
        for port in service.get("ports", []):
            expect(port.startswith("127.0.0.1:"), f"{name} is open to the world: {port}")
        for other in service.get("depends_on", []):
            expect(other in services, f"{name} waits for {other}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in document["volumes"]
            expect(there, f"{name}: {volume}")
    script = services["topics"]["command"][0]
    topics = yaml.safe_load((ROOT / "schemas/asyncapi.yaml").read_text())["channels"]
    for topic in topics:
        expect(f"--topic {topic} " in script, topic)
    expect("--topic usage-directory --partitions 1 --config cleanup.policy=compact" in script, "directory")


@check
def scraping():
    """Prometheus asks the listener that the service opens"""
    document = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = document["scrape_configs"]
    target = job["static_configs"][0]["targets"][0]
    port = IMAGE["ODOMETER_ADMIN_LISTEN"].rsplit(":", 1)[1]
    expect(target == f"odometer:{port}" and job["metrics_path"] == "/metrics", target)
    if shutil.which("promtool"):
        stdout("promtool", "check", "config", str(DEPLOY / "prometheus.yml"))


@check
def image():
    """the image is made of pinned ones, runs without root, and copies what is there"""
    froms = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    for name in froms:
        expect(re.fullmatch(r"swift:\d+\.\d+\.\d+-bookworm(@sha256:[0-9a-f]{64})?"
                            r"|debian:bookworm-\d{8}-slim(@sha256:[0-9a-f]{64})?", name), f"{name} is a moving tag")
    users = re.findall(r"(?m)^USER (\S+)", DOCKERFILE)
    expect(users and users[-1] not in ("root", "0"), users)
    for source in re.findall(r"(?m)^COPY (?!--from)(\S+) ", DOCKERFILE):
        expect((ROOT / source).exists(), source)
    # A target of the package whose folder is absent ends the build, also where nothing of it is built.
    copied = set(re.findall(r"(?m)^COPY (?!--from)(\S+) ", DOCKERFILE))
    for path in re.findall(r'path: "([^"/]+)', (ROOT / "Package.swift").read_text()):
        expect(path in copied, f"{path} is not copied")
    building = re.search(r"(?s)\npackages=\((.*?)\)", (ROOT / ".ci/setup").read_text())[1]
    wanted = set(re.findall(r"[a-z0-9][a-z0-9-]*-dev\b", building))
    expect(installed(1) == wanted, f"build stage and .ci/setup differ: {installed(1) ^ wanted}")


@check
def image_listens():
    """the image listens where others can reach it, on the ports that it names, apart from Prometheus' own"""
    ports = {name: IMAGE[name].rsplit(":", 1) for name in ("ODOMETER_LISTEN", "ODOMETER_ADMIN_LISTEN")}
    for name, (host, _) in ports.items():
        expect(host == "0.0.0.0", f"{name}={IMAGE[name]}")
    exposed = re.search(r"(?m)^EXPOSE (.*)$", DOCKERFILE)[1].split()
    expect(exposed == [port for _, port in ports.values()], exposed)
    expect("9090" not in exposed, "Prometheus listens on 9090")
    for name, (_, port) in ports.items():
        option = "--" + name.removeprefix("ODOMETER_").lower().replace("_", "-")
        row = re.search(rf"\| `{option}` \|.*?\| `127\.0\.0\.1:(\d+)`", (ROOT / "docs/OPERATIONS.md").read_text())
        expect(row and row[1] == port, f"{option} has another port in docs/OPERATIONS.md")


@check
def image_tells_its_health():
    """the image's health check passes where the process answers, and fails where it does not"""
    words = json.loads(re.search(r"(?m)^HEALTHCHECK .*?CMD (\[.*\])$", DOCKERFILE)[1])
    expect(words[:2] == ["/bin/bash", "-c"], words)
    if not BINARY:
        return
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("ODOMETER_")}
    environment.update(ODOMETER_LISTEN="127.0.0.1:0", ODOMETER_ADMIN_LISTEN=f"0.0.0.0:{port}",
                       ODOMETER_REDIS="unix:///nowhere/socket")
    process = subprocess.Popen([BINARY, "serve"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        expect(any("answering" in line for line in process.stderr), "does not start")
        expect(subprocess.run(words, env=environment, timeout=30).returncode == 0, "not healthy")
    finally:
        process.terminate()
        process.communicate(timeout=60)
    ended = subprocess.run(words, env=environment, timeout=30, stderr=subprocess.DEVNULL)
    expect(ended.returncode != 0, "healthy without a process")


@check
def image_has_the_libraries():
    """the image holds every library that the executable needs"""
    expect(set(PACKAGES.values()) <= installed(2), set(PACKAGES.values()) - installed(2))
    if not BINARY or not shutil.which("readelf"):
        return
    for name in re.findall(r"NEEDED.*\[(.*)\]", stdout("readelf", "-d", BINARY)):
        if not name.startswith(IN_EVERY_IMAGE):
            expect(name in PACKAGES, f"{name}: which package?")


@check
def settings():
    """the settings of deploy/ are settings of the executable"""
    if not BINARY:
        return
    environment = {name: text for name, text in os.environ.items() if not name.startswith("ODOMETER_")}
    command = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["odometer"]["command"]
    for words in (["--config", str(DEPLOY / "odometer.yaml")], command[1:]):
        done = subprocess.run(
            [BINARY, "check", *words], capture_output=True, text=True, timeout=60, env=environment
        )
        expect(done.returncode == 0, done.stderr)


@check
def scripts():
    """every script is one that its shell can read"""
    for path in [*ROOT.glob(".ci/*"), ROOT / "Tests/run", *ROOT.glob("scripts/*"), ROOT / "Benchmarks/run", DEPLOY / "cluster"]:
        if path.is_file() and path.read_text().startswith("#!"):
            shell = "bash" if "bash" in path.read_text().splitlines()[0] else "sh"
            if "sh" in path.read_text().splitlines()[0]:
                stdout(shell, "-n", str(path))
            expect(os.access(path, os.X_OK), f"{path} cannot be run")


def free_ports(count):
    """The first of so many ports that are free now, as are those 10,000 above."""
    for port in range(20_000, 50_000, 97):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in range(count):
                for offset in (0, 10_000):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port + number + offset))
            return port
    raise AssertionError("no free ports")


@check
def a_cluster():
    """deploy/cluster starts a cluster once, keeps it, starts what died, ends what it started, and nothing else"""
    if not shutil.which("redis-cli"):
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_ports(6)

        def cluster(*words, expected=0):
            done = subprocess.run([DEPLOY / "cluster", *words, "--dir", f"{folder}/a cluster"], capture_output=True, text=True,
                                  timeout=120)
            expect(done.returncode == expected, f"cluster {words} ended with {done.returncode}: {done.stdout}{done.stderr}")
            return done.stdout + done.stderr

        try:
            said = cluster("start", "--port", str(port))
            url = "redis+cluster://" + ",".join(f"127.0.0.1:{port + number}" for number in range(6))
            expect(said == url + "\n", said)
            expect(cluster("start") == said, "a second start says the same")
            expect("not 4" in cluster("start", "--masters", "4", expected=1), "another shape is refused")
            policy = stdout("redis-cli", "-p", str(port + 5), "CONFIG", "GET", "maxmemory-policy")
            expect("noeviction" in policy, policy)
            other = subprocess.run([DEPLOY / "cluster", "start", "--port", str(port + 3), "--dir", f"{folder}/other"],
                                   capture_output=True, text=True, timeout=60)
            expect(other.returncode == 1 and f"port {port + 3} is in use" in other.stderr, other.stderr)
            victim = int(pathlib.Path(f"{folder}/a cluster/{port}/process").read_text().split()[0])
            os.kill(victim, signal.SIGKILL)
            expect(f"127.0.0.1:{port}  does not run" in cluster("status", expected=1), "status")
            cluster("start")
            expect(len(re.findall(r"process \d+, master slots", cluster("status"))) == 3, "three masters")
            # Not its own: a process whose id is in the file, but which began at another time.
            path = pathlib.Path(f"{folder}/a cluster/{port}/process")
            kept = path.read_text()
            path.write_text(f"{os.getpid()} 1\n")
            expect("5 nodes ended" in cluster("stop"), "five of six")
            path.write_text(kept)
        finally:
            cluster("stop", "--remove")
        expect(not os.path.exists(f"{folder}/a cluster"), "nothing is left")


@check
def a_cluster_with_tls():
    """deploy/cluster --tls names its CA, and every node shows a certificate of it"""
    if not shutil.which("redis-cli") or not shutil.which("openssl"):
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_ports(3)
        words = [DEPLOY / "cluster", "--dir", folder]
        try:
            said = stdout(words[0], "start", "--tls", "--replicas", "0", "--port", str(port), *words[1:])
            address, ca = said.splitlines()
            expect(address.startswith(f"rediss+cluster://127.0.0.1:{port},"), said)
            ca = ca.removeprefix("--redis-ca ")
            for number in range(3):
                state = stdout("redis-cli", "--tls", "--cacert", ca, "-p", str(port + number), "CLUSTER", "INFO")
                expect("cluster_state:ok" in state, state)
        finally:
            stdout(words[0], "stop", "--remove", *words[1:])


run()
