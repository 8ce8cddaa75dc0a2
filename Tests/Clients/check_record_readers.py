"""The readers of Avro and Protobuf beside fastavro and Google's library: random schemas, random records, every value compared.

Each record is read whole, cut at every byte, and with bytes changed at random. ROUNDS schemas of each (100); SEED=1.
"""

import os
import random
import tempfile

import avro_cases
import protobuf_cases
import record_reader
from checks import check, run

ROUNDS, SEED = int(os.environ.get("ROUNDS", 100)), int(os.environ.get("SEED", 1))
FOLDER = tempfile.TemporaryDirectory(prefix="odo-")
LIBRARY = record_reader.build(FOLDER.name)
if LIBRARY is None:
    print("skipped: no C++ compiler\n0 passed, 0 failed")
    raise SystemExit


def compare(cases):
    counts = cases.run(LIBRARY, random.Random(SEED), ROUNDS)
    print(f"{ROUNDS} schemas, seed {SEED}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))


@check
def avro():
    """random records of Avro, written by fastavro, are read as they were meant"""
    compare(avro_cases)


@check
def protobuf():
    """random messages of Protobuf, written by Google's library, are read as they were meant"""
    compare(protobuf_cases)


run()
