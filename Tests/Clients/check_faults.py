"""A short selection of the faults of Tests/Faults, on the broker of this run; `make faults` has all."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Faults"))
os.environ["SHORT"] = "1"
os.environ.setdefault("RESULTS", str(pathlib.Path(__file__).resolve().parents[2] / ".build/logs/faults.jsonl"))

from house import House  # noqa: E402

House.needed()

import table  # noqa: E402

table.main()
