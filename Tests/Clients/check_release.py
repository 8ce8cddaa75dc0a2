"""The release: it runs where only Debian's libraries are, and `make install` puts it in place with all that belongs to it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading

from checks import ROOT, check, expect, run

BINARY = os.environ.get("TEST_BINARY")
RELEASE = ROOT / ".build/dist"
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("ODOMETER_")}


def why_not():
    """Why the executable cannot be tried in a root of its own here; None where it can."""
    if not BINARY:
        return "TEST_BINARY names no executable"
    for tool in ("ldd", "dpkg", "chroot", "unshare", "readelf"):
        if not shutil.which(tool):
            return f"no {tool} here"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run([*NAMESPACE, "sh", "-c", f"mount --rbind /proc {folder}"], capture_output=True, text=True, timeout=30)
    return tried.stderr.strip() or "no namespaces here" if tried.returncode != 0 else None


# Mounts of its own; a user other than root becomes root of a namespace first.
NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def libraries(binary):
    """The files that the dynamic linker loads for an executable, and the linker itself."""
    lines = subprocess.run(["ldd", binary], capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    expect(not any("not found" in line for line in lines), lines)
    return [pathlib.Path(word) for line in lines for word in line.split() if word.startswith("/")]


def packages(path):
    """Debian packages that own a file, by either of its names: /lib is a link to /usr/lib."""
    names = {str(path), str(path.resolve()), str(path).removeprefix("/usr"), "/usr" + str(path)}
    shown = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True, timeout=60).stdout
    return {line.split(":")[0] for line in shown.splitlines()}


class SmallRoot:
    """A folder that becomes the root: the executable, the libraries it loads, the shipped meters, /proc, nothing else."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.copy(pathlib.Path(BINARY), "bin/odometer")
        for path in libraries(BINARY):
            self.copy(path, str(path).lstrip("/"))
        for path in (ROOT / "schemas/meters").glob("*.yaml"):
            self.copy(path, f"meters/{path.name}")
        for name in ("tmp", "proc"):
            (self.path / name).mkdir()
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def copy(self, source, name):
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def command(self, *words):
        # Each program becomes the next one, so that a signal reaches the last.
        script = 'mount --rbind /proc "$0/proc" && exec chroot "$0" /bin/odometer "$@"'
        return [*NAMESPACE, "sh", "-c", script, str(self.path), *words]

    def call(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, env=ENVIRONMENT)

    def start(self, *words, until):
        """Starts a command that runs on, waits for a text in its log, ends it; its exit code and its log."""
        process = subprocess.Popen(self.command(*words), stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        # Ends it where the text never comes.
        guard = threading.Timer(60, process.kill)
        guard.start()
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if until in line:
                    break
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate()
        finally:
            guard.cancel()
            process.kill()
        return process.returncode, "".join(lines) + rest


def libraries_of_debian():
    """every library that the executable loads belongs to a package of Debian, none to Swift"""
    loaded = libraries(BINARY)
    expect(len(loaded) > 5, loaded)
    for path in loaded:
        expect(packages(path), f"{path} belongs to no package")
        expect(not re.search(r"swift|Foundation|dispatch", path.name), path)
    table = subprocess.run(["readelf", "-d", BINARY], capture_output=True, text=True, timeout=60, check=True).stdout
    expect("NEEDED" in table and "PATH" not in table, "it looks for libraries in folders of its own")


def says_its_version():
    """in a root without anything else it says its version"""
    with SmallRoot() as root:
        done = root.call("--version")
        expect(done.returncode == 0 and done.stdout.startswith("odometer "), done)


def needs_proc():
    """without /proc it says so, instead of doing as if it had no arguments"""
    with SmallRoot() as root:
        done = subprocess.run([*NAMESPACE, "chroot", str(root.path), "/bin/odometer", "--version"], capture_output=True,
                              text=True, timeout=60, env=ENVIRONMENT)
        expect(done.returncode == 1 and "/proc" in done.stderr, done)


def reads_meters():
    """there it checks the meters that are built in and those of a folder"""
    with SmallRoot() as root:
        for words in ([], ["--meters", "/meters"]):
            done = root.call("check", *words)
            expect(done.returncode == 0 and "tokens" in done.stdout, done)


def answers():
    """there it starts to answer requests"""
    with SmallRoot() as root:
        code, log = root.start("serve", "--redis", "unix:///nowhere", "--listen", "127.0.0.1:0", "--admin-listen",
                               "127.0.0.1:0", until="answering")
        expect(code == 0 and "answering" in log, (code, log))


def waits_for_kafka():
    """there it starts to count, and says that no Kafka answers"""
    with SmallRoot() as root:
        code, log = root.start("run", "--bootstrap", "127.0.0.1:1", "--redis", "unix:///nowhere", "--admin-listen",
                               "127.0.0.1:0", until="waiting for Kafka")
        expect("waiting for Kafka" in log, (code, log))


REASON = why_not()
if REASON:
    print(f"skipped: the release in a root of its own: {REASON}")
else:
    for function in (libraries_of_debian, says_its_version, needs_proc, reads_meters, answers, waits_for_kafka):
        check(function)


def make(target, folder, prefix):
    done = subprocess.run(["make", target, f"DESTDIR={folder}", f"PREFIX={prefix}"], cwd=ROOT, capture_output=True, text=True,
                          timeout=120, env={name: text for name, text in ENVIRONMENT.items() if name != "MAKEFLAGS"})
    expect(done.returncode == 0, done)


def files(folder):
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if not path.is_dir()}


def installs():
    """make install puts all files in place, make uninstall takes them away again and leaves others"""
    with tempfile.TemporaryDirectory() as folder:
        make("install", folder, "/opt/odo")
        top = pathlib.Path(folder) / "opt/odo"
        meters = {f"share/odometer/meters/{path.name}" for path in (ROOT / "schemas/meters").glob("*.yaml")}
        expect(files(top) == meters | {
            "bin/odometer", "lib/systemd/system/odometer.service", "share/man/man1/odometer.1",
            "share/odometer/alerts.yml", "share/odometer/installed", "share/odometer/odometer.yaml", "share/odometer/openapi.yaml"}, files(top))
        unit = (top / "lib/systemd/system/odometer.service").read_text()
        expect("ExecStart=/opt/odo/bin/odometer up" in unit and "/usr/local" not in unit, unit)
        shown = subprocess.run([top / "bin/odometer", "check"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
        # The meters beside it are found without an option.
        expect(shown.returncode == 0 and f"{top}/share/odometer/meters" in shown.stdout, shown)
        # A meter that this version does not ship any more, and files that others put there.
        with open(top / "share/odometer/installed", "a") as names:
            names.write("share/odometer/meters/former.yaml\n")
        for name in ("bin/other", "share/odometer/meters/former.yaml", "share/odometer/meters/own.yaml"):
            (top / name).touch()
        make("install", folder, "/opt/odo")
        expect(not (top / "share/odometer/meters/former.yaml").exists(), files(top))
        for _ in range(2):
            make("uninstall", folder, "/opt/odo")
            expect(files(top) == {"bin/other", "share/odometer/meters/own.yaml"}, files(top))


def installs_where_names_are_awkward():
    """folders with a space, & and | in their names are no trouble, and nothing beside them is touched"""
    with tempfile.TemporaryDirectory() as outer:
        folder = pathlib.Path(outer) / "a b&c|d"
        (pathlib.Path(outer) / "a").touch()
        make("install", folder, "/opt/o d&o")
        unit = (folder / "opt/o d&o/lib/systemd/system/odometer.service").read_text()
        expect("ExecStart=/opt/o d&o/bin/odometer up" in unit, unit)
        make("uninstall", folder, "/opt/o d&o")
        expect(files(outer) == {"a"}, files(outer))


def manual():
    """the manual page has every command and option, and no formatter finds fault with it"""
    page = RELEASE / "odometer.1"
    source = page.read_text()
    expect(source.isascii(), "letters beyond ASCII, which not every formatter reads")
    overview = subprocess.run([RELEASE / "odometer", "--help"], capture_output=True, text=True, timeout=60).stdout
    commands = re.findall(r"(?m)^  ([a-z][a-z -]*?)   ", overview.split("Commands:\n")[1].split("\n\n")[0])
    expect(len(commands) > 10, commands)
    for name in commands:
        expect(".SS odometer " + name.replace("-", "\\-") in source.splitlines(), f"no {name}")
        shown = subprocess.run([RELEASE / "odometer", *name.split(), "--help"], capture_output=True, text=True, timeout=60).stdout
        for option in re.findall(r"(?m)^ +(--[a-z-]+)", shown):
            expect("\\fB" + option.replace("-", "\\-") in source, f"no {option} of {name}")
    formatters = [words for words in (["groff", "-man", "-Tutf8", "-ww", "-z"], ["mandoc", "-T", "lint", "-W", "warning"])
                  if shutil.which(words[0])]
    if not formatters:
        print("skipped: formatting the manual page: neither groff nor mandoc here")
    for formatter in formatters:
        done = subprocess.run([*formatter, page], capture_output=True, text=True, timeout=60)
        expect(done.returncode == 0 and not done.stderr + done.stdout, done)


if BINARY and (RELEASE / "odometer").exists():
    check(installs)
    check(installs_where_names_are_awkward)
    check(manual)
else:
    print("skipped: make install and the manual page: no .build/dist, which make release writes")

run()
