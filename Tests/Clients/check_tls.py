"""TLS to Redis: counting and answering over it with certificates both ways, and each fault as one clear line."""

import json
import subprocess

import redis

from checks import ROOT, check, expect, run
from house import BINARY, House, end_with_parent, free_port, get, wait_until
from replaying import replay

House.needed()
PASSWORD = "a-password"


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class TLSHouse(House):
    """A House whose Redis speaks TLS alone and wants a certificate; the check looks at it by a unix socket."""

    def _start_redis(self):
        self.ca = self.make_authority("ca")
        self.make_certificate("server", "DNS:localhost,IP:127.0.0.1")
        self.make_certificate("client", "DNS:odometer")
        self.port = free_port()
        path = self.folder / "redis"
        self._redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--tls-port", str(self.port), "--unixsocket", path, "--save", "",
             "--dir", self.folder, "--tls-cert-file", self.folder / "server.crt",
             "--tls-key-file", self.folder / "server.key", "--tls-ca-cert-file", self.ca],
            stdout=subprocess.DEVNULL, preexec_fn=end_with_parent,
        )
        self.redis = redis.Redis(unix_socket_path=str(path), decode_responses=True)
        wait_until(lambda: path.exists() and self.redis.ping(), 10, "redis-server")
        return self.url()

    def _start(self):
        super()._start()
        self.environment |= {
            "ODOMETER_REDIS_CA": str(self.ca),
            "ODOMETER_REDIS_CERT": str(self.folder / "client.crt"),
            "ODOMETER_REDIS_KEY": str(self.folder / "client.key"),
        }

    def url(self, user="", host="localhost"):
        return f"rediss://{user}{host}:{self.port}"

    def make_authority(self, name):
        """A new CA; the file with its certificate."""
        base = self.folder / name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{base}.key", "-out", f"{base}.crt")
        return f"{base}.crt"

    def make_certificate(self, name, names, days=2):
        """A certificate of our CA; -1 day: it ended yesterday."""
        base = self.folder / name
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{base}.key", "-out", f"{base}.csr")
        openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.ca, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", days, "-extfile", f"{base}.ext", "-out", f"{base}.crt")

    def show(self, name):
        """From now on Redis shows this certificate."""
        self.redis.execute_command(
            "CONFIG", "SET", "tls-cert-file", f"{self.folder}/{name}.crt", "tls-key-file", f"{self.folder}/{name}.key")


def findings(house, expected):
    report = json.loads(house.call("doctor", "--json", expected=expected))
    return {finding["check"]: finding for finding in report["findings"]}


@check
def everything_over_tls():
    """run, serve and all commands with a client certificate and a user; run is killed in the middle; no cell differs"""
    with TLSHouse() as house:
        words = house.call("check", "--acl").split()
        house.redis.execute_command(*(word.replace("PASSWORD", PASSWORD) for word in words))
        house.redis.execute_command("ACL", "SETUSER", "default", "off")
        # The socket of the check stays open as the user that it was.
        house.environment["ODOMETER_REDIS"] = house.url("odometer@")
        secret = house.folder / "password"
        secret.write_text(PASSWORD + "\n")
        house.environment["ODOMETER_REDIS_PASSWORD_FILE"] = str(secret)
        first = house.start("run").wait_ready(60)
        serve = house.start("serve").wait_ready(60)
        writer = house.spawn(
            "replay", "--generate", "--seed", "7", "--events", "40000", "--rate", "8000", "--to", house.topic)
        wait_until(lambda: first.metrics()["odometer_commits_total"] > 20, 30, "it counts")
        first.kill()
        second = house.start("run").wait_ready(60)
        expect(writer.wait(60) == 0, "the writer")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
        key = house.key("org-1", "operations")
        status, _, body = get(f"{serve.url}/v1/meters/api_calls", {"Authorization": f"Bearer {key}"})
        expect(status == 200 and b'"value"' in body, f"{status}: {body}")
        result = replay(house, "--generate", "--seed", "8", "--events", "2000", "--rate", "2000", "--freshness")
        expect(result["records"]["unseen"] == 0, result["records"])
        house.call("status")
        house.call("parked")
        house.call("verify")
        house.call("reset-shard", "5", "--yes")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell after a reset")
        tls = findings(house, 0)["redis-tls"]
        # Two days are less than the 14 of the warning.
        expect(tls["grade"] == "warning" and tls["message"].startswith("TLSv1.3, "), tls)
        expect(second.terminate() == 0 and serve.terminate() == 0, "exit code")
        for machine in (first, second, serve):
            expect(PASSWORD not in machine.log.read_text(), "a password in the log")


@check
def faults():
    """another CA, another name, no certificate, an old one: doctor says which; run waits, and goes on when it is renewed"""
    with TLSHouse() as house:
        good = dict(house.environment)
        house.make_certificate("other", "DNS:redis.example")
        house.make_certificate("old", "DNS:localhost", days=-1)
        stranger = house.make_authority("stranger")

        def said(expected, **changes):
            house.environment = {**good, **changes}
            reach = findings(house, 1)["redis-reach"]
            expect(expected in reach["message"] and reach["grade"] == "error" and reach["mend"], reach)
            house.environment = dict(good)

        said("not signed by a CA in", ODOMETER_REDIS_CA=stranger)
        house.environment = {name: value for name, value in good.items() if not name.endswith(("_CERT", "_KEY"))}
        reach = findings(house, 1)["redis-reach"]
        expect("asks for a client certificate: set --redis-cert and --redis-key" in reach["message"], reach)
        house.show("other")
        said("is not for localhost but for redis.example: set --redis-server-name")
        house.environment = {**good, "ODOMETER_REDIS_SERVER_NAME": "redis.example"}
        expect(findings(house, 0)["redis-tls"]["grade"] == "warning", "the name of --redis-server-name")
        house.environment = dict(good)

        house.show("old")
        said("the server's certificate ended at ")
        loose = {**good, "ODOMETER_REDIS_TLS_UNVERIFIED": "on"}
        house.environment = loose
        expect("not checked" in findings(house, 0)["redis-tls"]["message"], "unverified")
        house.environment = dict(good)
        machine, serve = house.start("run"), house.start("serve")
        wait_until(lambda: "certificate ended at" in machine.log.read_text(), 20, "run says why it waits")
        serve.wait_listening()
        wait_until(lambda: "certificate ended at" in get(f"{serve.admin}/readyz")[2].decode(), 20, "/readyz of serve")
        expect(machine.process.poll() is None, "it goes on waiting")
        house.show("server")
        machine.wait_ready(60)
        serve.wait_ready(60)
        replay(house, "--generate", "--seed", "9", "--events", "2000", "--freshness")
        house.wait_counted()
        expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")


@check
def before_any_server():
    """wrong files and options without rediss:// end every command with exit code 2"""
    with TLSHouse() as house:
        for command in (("run",), ("serve",), ("up",), ("status",), ("doctor",), ("verify",), ("parked",), ("check",)):
            for wrong in (("--redis-ca", "/none.pem"), ("--redis-key", house.ca), ("--redis", "redis://localhost")):
                house.call(*command, *wrong, expected=2)


@check
def sentinel():
    """rediss+sentinel:// is TLS to the Sentinels and to the master; without TLS and with another CA the line says what to set"""
    with TLSHouse() as house:
        port, settings = free_port(), house.folder / "sentinel.conf"
        settings.write_text(
            f"port 0\ntls-port {port}\ntls-cert-file {house.folder}/server.crt\ntls-key-file {house.folder}/server.key\n"
            f"tls-ca-cert-file {house.ca}\ntls-replication yes\ndir {house.folder}\n"
            f"sentinel monitor main 127.0.0.1 {house.port} 1\n")
        process = subprocess.Popen(
            ["redis-server", settings, "--sentinel"], stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)
        try:
            address = f"127.0.0.1:{port}/main"
            house.environment["ODOMETER_REDIS"] = f"rediss+sentinel://{address}"

            def status(*words):
                return subprocess.run(
                    [BINARY, "status", *words], env=house.environment, capture_output=True, text=True, timeout=60).stderr

            wait_until(lambda: "no ledger" in status(), 20, "the Sentinel has met the master")
            machine = house.start("run").wait_ready(60)
            replay(house, "--generate", "--seed", "10", "--events", "1000", "--freshness")
            house.wait_counted()
            expect(house.call("verify", "--full").splitlines()[-1] == "equal", "every cell")
            expect(machine.terminate() == 0, "exit code")
            for name in ("CA", "CERT", "KEY"):
                house.environment.pop(f"ODOMETER_REDIS_{name}")
            expect("set --redis-ca" in status(), "a CA that nobody trusts")
            expect("use rediss" in status("--redis", f"redis+sentinel://{address}"), "plain to a port with TLS")
        finally:
            process.terminate()
            process.wait(10)


@check
def demonstration():
    """the demonstration with a Redis that speaks TLS"""
    with TLSHouse() as house:
        environment = {name: value for name, value in house.environment.items() if name.startswith("ODOMETER_REDIS_")}
        environment |= {"PATH": house.environment["PATH"], "ODOMETER_REDIS": house.url(host="127.0.0.1")}
        done = subprocess.run(
            [BINARY, "demo", "--events", "1000", "--seconds", "0"], env=environment, capture_output=True, text=True,
            timeout=120)
        expect(done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:])
        expect("the given Redis" in done.stdout and "history: all counted" in done.stdout, done.stdout[-2000:])
        expect(house.redis.dbsize() == 0, "the demonstration takes its keys away")
    words = ["make", "--dry-run", "demo", "REDIS=rediss://db", "REDIS_CA=a b.pem", "REDIS_CERT=c.pem", "REDIS_KEY=k.pem"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    line = " ".join(shown.replace("\\\n", " ").split())
    expect("--redis 'rediss://db' --redis-ca 'a b.pem' --redis-cert 'c.pem' --redis-key 'k.pem'" in line, line)


run()
