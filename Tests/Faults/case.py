"""A named fault: what is injected, and what its run found."""

import contextlib
import json
import random
import subprocess
import time

import house
from rig import Rig

CASES = []


def fault(number, how, **traits):
    """Adds a case of the row `number`; it passes when it returns. For the traits see Kind."""

    def add(function):
        CASES.append(Kind(number, how, function, **traits))
        return function

    return add


class Kind:
    """A case before its run."""

    def __init__(self, number, how, function, needs_brokers=False, in_tests=False, alone=False, longest=None):
        self.number = number
        self.name = f"{number} {function.__name__}"
        self.how = how
        self.function = function
        #: Whether it hurts the brokers themselves.
        self.needs_brokers = needs_brokers
        #: Whether it is one of the short selection of `make test`.
        self.in_tests = in_tests
        #: Whether it runs only where it is asked for by name.
        self.alone = alone
        #: Seconds after which it has failed, where that is not the rule for all.
        self.longest = longest


class Case:
    """One run of a case: its chance, its time scale, and what is counted on the way."""

    def __init__(self, kind, seed, full, brokers):
        self.kind = kind
        self.seed = seed
        self.full = full
        self.brokers = brokers
        # The seed of the table and the name, so that one case alone repeats what it did in the table.
        self.chance = random.Random(f"{seed} {kind.name}")
        self.times = 0
        self.events = 0
        self.differences = 0
        self.kills = 0
        self.rollbacks = 0
        self.recoveries = []
        self.notes = []

    def scaled(self, short, full):
        """The first, or with FULL=1 the time or number of the plan."""
        return full if self.full else short

    def event_seed(self):
        """A seed for generated events."""
        return str(self.chance.randrange(1, 2**31))

    def rig(self, **options):
        """Servers and topics for this case."""
        return Rig(self, **options)

    @contextlib.contextmanager
    def recovery(self):
        """Measures how long the block takes: from healing to being whole again."""
        began = time.monotonic()
        yield
        self.recoveries.append(time.monotonic() - began)

    def note(self, text):
        """Something that a reader of the results may want to know."""
        self.notes.append(text)

    def verified(self, rig, *options, seconds=90):
        """The oracle reads log and ledger: fails unless every cell is equal; what it found."""
        done = subprocess.run(
            [house.BINARY, "verify", "--full", "--json", "--timeout", "40s", *options], env=rig.environment,
            capture_output=True, text=True, timeout=seconds,
        )
        if not done.stdout.startswith("{"):
            raise AssertionError(f"verify ended with {done.returncode}: {done.stderr[-2000:]}")
        report = json.loads(done.stdout)
        found = sum(report[kind] for kind in ("missing", "extra", "different", "audit", "sums"))
        self.events += report["records"]
        self.differences += found
        if done.returncode != 0 or report["result"] != "equal":
            raise AssertionError(
                f"verify: {report['result']}, {found} differences {report['differences'][:4]} {report.get('note')}")
        return report
