#!/usr/bin/env python3
"""The readers of Avro and Protobuf beside fastavro and protobuf: random schemas, random records, every value compared.

    check_record_readers.py [ROUNDS]        default: 400 schemas of each; SEED=1

Each record is read in full, cut at every byte of its first ones, with bytes behind it, and with bytes changed at random.
"""

import os
import random
import sys
import tempfile

import avro_cases
import protobuf_cases
import record_reader


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    seed = int(os.environ.get("SEED", "1"))
    with tempfile.TemporaryDirectory() as folder:
        library = record_reader.build(folder)
        if library is None:
            print("skipped: no C++ compiler")
            return 0
        for name, cases in (("Avro", avro_cases), ("Protobuf", protobuf_cases)):
            counts = cases.run(library, random.Random(seed), rounds)
            print(f"{name}: {rounds} schemas, " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
