"""Behind nginx: the configuration of docs/PROXY.md, two clients apart, a forged header, and a stranger's flood."""

import http.client
import os
import re
import shutil
import subprocess
import sys

from checks import ROOT, check, expect, run
from house import House, end_with_parent, free_port, wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
if not NGINX:
    print("skipped: there is no nginx here (Debian: apt-get install nginx)\n0 passed, 0 failed")
    sys.exit(0)
House.needed()

PATH = "/v1/meters"
#: Requests of a flood: one address may send one a second without a key, here.
FLOOD = 20
#: Debian's nobody, for a process that is not root's.
NOBODY = 65534


def site(port, upstream):
    """The configuration of the page, with other ports."""
    page = (ROOT / "docs/PROXY.md").read_text()
    (text,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    for written, here in (("server 127.0.0.1:8080;", f"server {upstream};"), ("listen 80;", f"listen 127.0.0.1:{port};")):
        expect(text.count(written) == 1, f"{written} is not in the page's configuration")
        text = text.replace(written, here)
    return text


class Proxy:
    """An nginx of its own, unprivileged, in a folder, for the time of a `with`."""

    def __init__(self, folder, upstream):
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        (folder / "odometer.conf").write_text(site(self.port, upstream))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(f"""
daemon off;
# One process: a worker would outlive a master that is killed.
master_process off;
pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
{paths}
    include {folder}/odometer.conf;
}}
""")

    def __enter__(self):
        as_root = os.geteuid() == 0
        if as_root:
            # Everything above the folder must let nobody through.
            self.folder.parent.chmod(0o711)
            shutil.chown(self.folder, NOBODY, NOBODY)
        self.log = (self.folder / "log").open("wb+")
        self._process = subprocess.Popen(
            [NGINX, "-p", self.folder, "-e", "stderr", "-c", self.folder / "nginx.conf"], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, preexec_fn=end_with_parent,
            **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_root else {}),
        )
        try:
            wait_until(self._answers, 20, "nginx")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"nginx ended: {(self.folder / 'log').read_text()[-2000:]}")
        try:
            return self.status("127.0.0.1", path="/healthz") == 200
        except OSError:
            return False

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.log.close()

    def status(self, client, headers=None, path=PATH):
        """Status of a request that a client with this loopback address sends to the proxy."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(client, 0))
        try:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().status
        finally:
            connection.close()


def flood(proxy, client, headers=None):
    """Sends more requests without a key than an address may; some of them must be refused."""
    statuses = [proxy.status(client, headers) for _ in range(FLOOD)]
    expect(429 in statuses and set(statuses) <= {401, 429}, f"a flood from {client}: {statuses}")


with House() as house:
    machine = house.start("up", "--trusted-proxy", "127.0.0.1", "--address-rate-limit", "1").wait_ready()
    key = {"Authorization": f"Bearer {house.key('org-1', 'operations')}"}

    with Proxy(house.folder / "nginx", machine.url.removeprefix("http://")) as proxy:

        @check
        def apart():
            """two clients behind nginx are limited apart"""
            flood(proxy, "127.0.0.2")
            expect(proxy.status("127.0.0.3") == 401, "another client is refused as well")

        @check
        def forged():
            """an X-Forwarded-For of the client's own changes nothing"""
            flood(proxy, "127.0.0.4")
            for number in range(20):
                forged = {"X-Forwarded-For": f"192.0.2.{number}"}
                # One a second may pass; a new address each time would let all pass.
                flood_on = [proxy.status("127.0.0.4", forged) for _ in range(3)]
                expect(429 in flood_on, f"a forged address was believed: {flood_on}")
            # Nor is somebody else's address used up: 127.0.0.5 has sent nothing yet.
            for _ in range(FLOOD):
                proxy.status("127.0.0.4", {"X-Forwarded-For": "127.0.0.5"})
            expect(proxy.status("127.0.0.5") == 401, "the forged address pays")

        @check
        def stranger():
            """a stranger's flood of requests without a key locks out no valid key, at another address or the same"""
            for _ in range(5):
                flood(proxy, "127.0.0.6")
                expect(proxy.status("127.0.0.7", key) == 200, "a valid key at another address")
                expect(proxy.status("127.0.0.6", key) == 200, "a valid key at the stranger's address")

        run()
