"""64 partitions over four processes, one more and one killed while they count; `make faults` has the long one."""

import os

os.environ["ONLY"] = "group_changes"

import check_faults  # noqa: E402, F401
