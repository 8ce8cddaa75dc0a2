"""Two failovers by Redis Sentinel, on the broker of this run; `make faults ONLY=F42` has all of them."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Faults"))
os.environ.update(SHORT="1", ONLY="sentinel_short")
os.environ.setdefault("RESULTS", str(pathlib.Path(__file__).resolve().parents[2] / ".build/logs/faults.jsonl"))

from house import House  # noqa: E402

House.needed()

import table  # noqa: E402

table.main()
