"""Runs the faults of Tests/Faults on a real rig and prints a table; `make faults` calls it.

ONLY=F7,F8   only these, in this order   SEED=N        the chance of an earlier run
RESUME=FILE  leave out what passed there FULL=1        the long times
RESULTS=FILE where a line is appended for each case (.build/faults.jsonl)
SHORT=1      the selection of `make test`, on the broker of KAFKA_BOOTSTRAP
MINUTES=60   how long the case `everything` (ONLY=F41) goes on
PRINT=FILE   only prints the table of that file's last run
"""

import contextlib
import datetime
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Clients"))

import house  # noqa: E402
from case import CASES, Case  # noqa: E402
from servers import Brokers, kafka_tool  # noqa: E402

SUBJECTS = ["process", "link", "rollback", "refusal", "brokers", "group", "log", "loss", "most", "directory", "records", "resources", "http", "sentinel", "everything"]
LONGEST = 300  # seconds after which a case has failed, however slow the machine


class Overdue(Exception):
    """A case hangs."""


def versions():
    """What the numbers belong to."""

    def said(*command):
        with contextlib.suppress(OSError):
            return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
        return ""

    found = {
        "odometer": said(house.BINARY, "--version").split("\n")[0], "commit": said("git", "rev-parse", "--short", "HEAD"),
        "redis": said("redis-server", "--version").split("v=")[-1].split(" ")[0],
        "librdkafka": said("dpkg-query", "-W", "-f", "${Version}", "librdkafka1"),
    }
    tool = kafka_tool()
    jars = sorted(tool.parent.glob("libs/kafka-clients-*.jar")) if tool else []
    found["kafka"] = jars[0].stem.removeprefix("kafka-clients-") if jars else ""
    return found


def wanted(cases):
    """The cases that were asked for."""
    only = [word for word in os.environ.get("ONLY", "").replace(",", " ").split()]
    known = {kind.number for kind in cases} | {kind.function.__name__ for kind in cases}
    for word in only:
        if word not in known:
            sys.exit(f"ONLY={word}: there is no such case; there are {' '.join(sorted(known))}")
    if only:
        return [kind for word in only for kind in cases if word in (kind.number, kind.function.__name__)]
    if os.environ.get("SHORT"):
        return [kind for kind in cases if kind.in_tests]
    return [kind for kind in cases if not kind.alone]


class Standstill:
    """Notices that this process as a whole did not run for a while: times then mean nothing."""

    def __init__(self):
        self.seconds = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        before = time.monotonic()
        while True:
            time.sleep(0.5)
            now = time.monotonic()
            self.seconds += max(0, now - before - 4)
            before = now


def read_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines() if line]


def run_one(kind, seed, full, brokers, standstill):
    """The result of one case."""
    case = Case(kind, seed, full, brokers)
    longest = int(kind.longest or (4 * LONGEST if full else LONGEST))
    began, stood = time.monotonic(), standstill.seconds
    error = None

    def spent():
        return time.monotonic() - began - (standstill.seconds - stood)

    def overdue(*_):
        if spent() >= longest:
            raise Overdue(f"not done within {longest} s")
        signal.alarm(int(longest - spent()) + 1)

    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(longest)
    try:
        if brokers:
            brokers.heal()
        kind.function(case)
    except AssertionError as problem:
        error = str(problem)
        frames = traceback.extract_tb(problem.__traceback__)
        own = [frame for frame in frames if "Tests/Faults" in frame.filename]
        if own:
            error += f" ({pathlib.Path(own[-1].filename).name}:{own[-1].lineno})"
    except Exception:  # a broken case is a failed one, and the others still run
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
    return {
        "fault": kind.number, "case": kind.function.__name__, "what": (kind.function.__doc__ or "").splitlines()[0],
        "how": kind.how, "times": case.times, "events": case.events, "differences": case.differences,
        "recover": round(max(case.recoveries), 1) if case.recoveries else None,
        "kills": case.kills, "rollbacks": case.rollbacks, "seconds": round(spent(), 1),
        "passed": error is None, "error": error, "notes": case.notes, "seed": seed, "full": full,
    }


def line(result):
    """A row for people."""
    recover = "-" if result["recover"] is None else f"{result['recover']:.1f}"
    return (
        f"{'ok  ' if result['passed'] else 'FAIL'} {result['fault']:<4} {result['case']:<22} {result['times']:>5} "
        f"{result['events']:>9} {result['differences']:>6} {recover:>8} {result['seconds']:>7.1f}  {result['how']}"
    )


def heading():
    return f"     {'':<4} {'fault':<22} {'times':>5} {'events':>9} {'differ':>6} {'recover':>8} {'seconds':>7}  how"


def closing(results):
    """What the whole run comes to."""
    failed = [result for result in results if not result["passed"]]
    print(
        f"{sum(result['events'] for result in results)} events compared, "
        f"{sum(result['differences'] for result in results)} differences, "
        f"{sum(result['kills'] for result in results)} times kill -9, "
        f"{sum(result['rollbacks'] for result in results)} rollbacks of Redis, "
        f"{sum(result['seconds'] for result in results) / 60:.1f} minutes, seed {results[0]['seed'] if results else '-'}"
    )
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def last_run(results):
    """The newest result of each case of the file's last seed, in the order of the rows."""
    newest = {(one["fault"], one["case"]): one for one in results if one["seed"] == results[-1]["seed"]}
    return sorted(newest.values(), key=lambda one: (int(one["fault"][1:]), one["case"]))


def print_file(path):
    results = last_run(read_lines(path))
    print(heading(), *map(line, results), sep="\n")
    sys.exit(closing(results))


def main():
    if os.environ.get("PRINT"):
        print_file(os.environ["PRINT"])
    for subject in SUBJECTS:
        if (pathlib.Path(__file__).parent / f"faults_{subject}.py").exists():
            importlib.import_module(f"faults_{subject}")
    cases = wanted(CASES)
    resume = os.environ.get("RESUME")
    earlier = read_lines(resume) if resume and pathlib.Path(resume).exists() else []
    seed = int(os.environ.get("SEED") or (earlier[-1]["seed"] if earlier else time.time_ns() % 1_000_000))
    done = {one["case"]: one for one in earlier if one["passed"] and one["seed"] == seed}
    short = bool(os.environ.get("SHORT"))
    if not house.BINARY:
        sys.exit("TEST_BINARY is not set")
    if (short and not house.BOOTSTRAP) or (not short and not kafka_tool()):
        print("skipped: no KAFKA_TOOL or KAFKA_HOME says where a program is that starts brokers, or there is no java\n0 passed, 0 failed")
        sys.exit(0 if short else 1)
    path = pathlib.Path(os.environ.get("RESULTS") or resume or ROOT / ".build/faults.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        brokers = None
        if not short:
            brokers = stack.enter_context(Brokers())
            house.BOOTSTRAP = brokers.bootstrap
        results = list(run_all(cases, done, seed, brokers, path))
    sys.exit(closing(results))


def run_all(cases, done, seed, brokers, path):
    full = bool(os.environ.get("FULL"))
    standstill = Standstill()
    known = versions()
    print(f"seed {seed}, {', '.join(f'{name} {value}' for name, value in known.items() if value)}")
    print(heading(), flush=True)
    for kind in cases:
        if kind.function.__name__ in done:
            yield done[kind.function.__name__]
            continue
        for _ in range(4):
            before = standstill.seconds
            result = run_one(kind, seed, full, brokers, standstill)
            stood = standstill.seconds - before
            if result["passed"] or not stood:
                break
            print(f"     {kind.name}: everything stood still for {stood:.0f} s, so it is run again", flush=True)
        result["versions"] = known
        result["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        with path.open("a") as results:
            results.write(json.dumps(result) + "\n")
        print(line(result), flush=True)
        for text in [result["error"], *result["notes"]]:
            if text:
                print("     " + str(text).replace("\n", "\n     "), flush=True)
        yield result


if __name__ == "__main__":
    main()
