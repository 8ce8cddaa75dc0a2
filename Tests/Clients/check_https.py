"""HTTPS of `odometer up` as clients see it: certificates, versions, limits, a renewal, a stop."""

import concurrent.futures
import http.client
import os
import socket
import ssl
import subprocess
import time
import warnings

import requests

from authority import Authority
from checks import check, expect, run
from house import House, wait_until

House.needed()
# Old versions are asked for on purpose.
warnings.simplefilter("ignore", DeprecationWarning)

PATH = "/v1/meters"
#: Handshakes that begin and never go on.
SILENT = 200
#: The limit of open connections.
MOST = 1000


def replace(pair, used):
    """Puts a pair in the place of the one in use, each file by a rename."""
    for new, old in zip(pair, used):
        copy = old.with_suffix(".new")
        copy.write_bytes(new.read_bytes())
        os.replace(copy, old)


with House() as house:
    authority, stranger = Authority(house.folder, "authority"), Authority(house.folder, "stranger")
    used = house.folder / "used.pem", house.folder / "used.key"
    replace(authority.issue("first"), used)
    options = ("--tls-cert", used[0], "--tls-key", used[1])
    machine = house.start("up", *options, "--address-connections", str(MOST), "--rate-limit", "0").wait_ready()
    port = int(machine.url.rsplit(":", 1)[1])
    url = f"https://localhost:{port}{PATH}"
    key = {"Authorization": f"Bearer {house.key('org-1', 'operations')}"}

    def context(**settings):
        made = ssl.create_default_context(cafile=authority.file)
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    trusting = context()

    def connect(using=trusting, timeout=30):
        return using.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout), server_hostname="localhost")

    def ask(connection):
        """The status of a request over an open connection, which stays open."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in key.items())
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer.status

    def failures(reason):
        return machine.metrics()[f'odometer_http_tls_failed_total{{reason="{reason}"}}']

    def presented():
        """The name in the certificate that a new connection is shown."""
        with connect() as connection:
            return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def logged(text):
        return machine.log.read_text().count(text)

    @check
    def clients():
        """requests, Python's own client and curl get answers, and keep their connection"""
        with requests.Session() as session:
            for _ in range(3):
                expect(session.get(url, headers=key, verify=str(authority.file), timeout=10).status_code == 200, "requests")
        before = machine.metrics()["odometer_http_tls_handshakes_total"]
        with connect() as connection:
            expect([ask(connection) for _ in range(5)] == [200] * 5, "one connection")
            expect(connection.version() == "TLSv1.3", connection.version())
        expect(machine.metrics()["odometer_http_tls_handshakes_total"] == before + 1, "one handshake")
        (header,) = (f"{name}: {value}" for name, value in key.items())
        said = subprocess.run(
            ["curl", "-sS", "--cacert", authority.file, "-H", header, "-w", "%{num_connects} %{http_code}\n", "-o", "/dev/null", url,
             "-o", "/dev/null", url], capture_output=True, text=True, timeout=30)
        expect(said.stdout.split() == ["1", "200", "0", "200"], said.stdout + said.stderr)

    @check
    def authorities():
        """a client refuses another authority and another name, and the server counts it"""
        before = failures("handshake")
        for wanted, verify in ((url, stranger.file), (url.replace("localhost", "127.0.0.1"), authority.file)):
            try:
                requests.get(wanted, headers=key, verify=str(verify), timeout=10)
            except requests.exceptions.SSLError:
                continue
            raise AssertionError(f"{wanted} is believed by {verify.name}")
        wait_until(lambda: failures("handshake") >= before + 1, 10, "the counter")

    @check
    def versions():
        """TLS 1.2 is answered, TLS 1.1 is not"""
        with connect(context(maximum_version=ssl.TLSVersion.TLSv1_2)) as connection:
            expect(ask(connection) == 200 and connection.version() == "TLSv1.2", "TLS 1.2")
        old = context(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
        old.set_ciphers("ALL:@SECLEVEL=0")
        before = failures("handshake")
        try:
            connect(old).close()
        except (ssl.SSLError, OSError):
            wait_until(lambda: failures("handshake") == before + 1, 10, "the counter")
            return
        raise AssertionError("TLS 1.1 is spoken")

    @check
    def plain():
        """plain HTTP gets 400 and the end of its connection"""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", PATH, headers=key)
        answer = connection.getresponse()
        expect(answer.status == 400 and b"HTTPS" in answer.read(), answer.status)
        expect(connection.sock is None, "the connection stays open")
        expect(failures("plain") == 1, "the counter")

    @check
    def silent():
        """200 connections that never shake hands cost no CPU, delay no answer and end with the idle limit"""

        def cpu():
            fields = open(f"/proc/{machine.process.pid}/stat").read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        began = time.monotonic()
        sockets = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(SILENT)]
        wait_until(lambda: machine.metrics()["odometer_http_connections"] >= SILENT, 10, "200 connections")
        before, start = cpu(), time.monotonic()
        slowest = 0
        for _ in range(50):
            asked = time.monotonic()
            with connect() as connection:
                expect(ask(connection) == 200, "an answer")
            slowest = max(slowest, time.monotonic() - asked)
        expect(slowest < 2, f"an answer took {slowest:.1f} s")
        # The machine counts and answers beside it: a busy loop of eight threads would take all of it.
        time.sleep(max(0, 3 - (time.monotonic() - start)))
        share = (cpu() - before) / (time.monotonic() - start)
        expect(share < 0.3, f"{share:.2f} of a core")
        for client in sockets:
            expect(client.recv(1) in (b"", b"\x15"), "bytes")
        expect(time.monotonic() - began < 15 + 5, f"they ended after {time.monotonic() - began:.0f} s")

    @check
    def many():
        """1,000 connections are open at once, and all are answered"""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            connections = list(pool.map(lambda _: connect(), range(MOST)))
            expect(machine.metrics()["odometer_http_connections"] >= MOST, "open connections")
            for _ in range(2):
                expect(set(pool.map(ask, connections)) == {200}, "an answer")
        for connection in connections:
            connection.close()
        wait_until(lambda: machine.metrics()["odometer_http_connections"] == 0, 20, "their end")

    @check
    def renewal():
        """a new pair is used without a restart; half of one, a wrong and a missing one change nothing and are told once"""
        expect(presented() == "first", "the first certificate")
        with connect() as kept:
            expect(ask(kept) == 200, "before the renewal")
            replace(authority.issue("second"), used)
            wait_until(lambda: presented() == "second", 10, "the second certificate")
            expect(ask(kept) == 200, "after the renewal")
        expect(logged("the certificate was read again") == 1, "the log")
        third = authority.issue("third")
        replace((third[0], authority.issue("other")[1]), used)
        told = "the new certificate cannot be used, the old one goes on"
        wait_until(lambda: presented() == "second" and logged(told) == 1, 20, "the warning")
        expect("is not the key of the certificate" in machine.log.read_text(), "the reason")
        used[0].write_text("nothing")
        wait_until(lambda: presented() == "second" and logged(told) == 2, 20, "the second warning")
        used[0].unlink()
        wait_until(lambda: presented() == "second" and logged(told) == 3, 20, "the third warning")
        replace(third, used)
        wait_until(lambda: presented() == "third", 10, "the third certificate")
        expect(logged(told) == 3 and logged("the certificate was read again") == 2, "the log")

    @check
    def starts():
        """a start with a pair that cannot be used is one line and exit code 2; check says the same"""
        replace(authority.issue("last"), used)
        other = authority.issue("odd")[1]
        for wrong, said in (
            (("--tls-cert", used[0]), "--tls-cert needs --tls-key"),
            (("--tls-key", used[1]), "--tls-key needs --tls-cert"),
            (("--tls-cert", used[0], "--tls-key", other), f"--tls-key {other}: is not the key of the certificate"),
            (("--tls-cert", used[1], "--tls-key", used[1]), f"--tls-cert {used[1]}: holds no certificate in PEM"),
            (("--tls-cert", house.folder / "no", "--tls-key", used[1]), "No such file"),
        ):
            for command in ("serve", "up", "check"):
                done = subprocess.run(
                    [os.environ["TEST_BINARY"], command, *wrong], env=house.environment, capture_output=True, text=True, timeout=30)
                expect(done.returncode == 2, f"{command} {wrong}: {done.returncode}")
                expect(said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr)

    @check
    def stop():
        """SIGTERM ends it in order, with open connections and with handshakes in the middle"""
        with connect() as open_connection, socket.create_connection(("127.0.0.1", port)) as begun:
            begun.sendall(bytes([22, 3, 1]))
            expect(ask(open_connection) == 200, "before the stop")
            expect(machine.terminate(20) == 0, "the exit code")
            expect(open_connection.recv(1) == b"" and begun.recv(1) in (b"", b"\x15"), "the connections end")

    run()
