"""The report of a replay in a real Chromium: light, dark, narrow and on paper, with every plot and no foreign request."""

import json
import os
import pathlib
import sys
import tempfile

from checks import check, expect, run
from house import House

House.needed()
try:
    import browser
except ImportError:
    sys.exit("playwright is not installed: make python-tools\n0 passed, 1 failed")
if not browser.CHROMIUM:
    print("skipped: there is no chromium\n0 passed, 0 failed")
    sys.exit(0)
# Where the pictures stay; without it they go with the check.
PICTURES = os.environ.get("TEST_PICTURES")


@check
def reports():
    """a paced replay with check, and a ramp: every plot is drawn, every text can be read, nothing overflows"""
    with House() as house, tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(PICTURES or temporary)
        house.start("run").wait_ready(90)
        page = house.folder / "report.html"
        said = house.call(
            "replay", "--generate", "--events", "8000", "--span", "4h", "--rate", "1000", "--check", "--json",
            "--report", str(page), "--to", house.topic, timeout=300,
        )
        text = page.read_text()
        records = json.loads(said)["records"]
        expect(f"{records['acknowledged']:,}" in text and "Check: equal." in text, "the numbers in the report")
        browser.look(page, folder, "rate", plots=5)
        house.call(
            "replay", "--generate", "--seed", "5", "--ramp", "3s", "--ramp-start", "200", "--ramp-step", "500ms",
            "--report", str(page), "--to", house.topic, timeout=300,
        )
        expect("<h2>Ramp</h2>" in page.read_text(), "the table of the ramp")
        browser.look(page, folder, "ramp", plots=5)
        # A topic's name is a text like any other.
        house.call("replay", "--generate", "--seed", "6", "--events", "1", "--report", str(page), "--to", house.topic)
        browser.look(page, folder, "flat", plots=3)


run()
