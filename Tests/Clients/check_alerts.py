"""The alert rules of deploy/ fire where they should: over made-up numbers, by promtool."""

import shutil
import subprocess
import sys
import tempfile

import yaml

from checks import ROOT, check, expect, run

RULES = ROOT / "deploy/alerts.yml"
CASES = ROOT / "Tests/Clients/alerts.yaml"

if not shutil.which("promtool"):
    print("skipped: no promtool here (Debian package prometheus)\n0 passed, 0 failed")
    sys.exit(0)


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120)
    expect(done.returncode == 0, done.stdout + done.stderr)
    return done.stdout


def tested(rules):
    """Runs the cases over the rules in a file; fails as promtool does."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as cases:
        cases.write(CASES.read_text().replace("ALERTS]", f"{rules}]"))
        cases.flush()
        promtool("test", "rules", cases.name)


@check
def rules():
    """Prometheus takes the rules"""
    expect("SUCCESS" in promtool("check", "rules", str(RULES)), "promtool check rules")


@check
def fire():
    """every rule fires when something has stopped, and none when all is well"""
    tested(RULES)
    names = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    missing = [name for name in names if f'{{alertname="{name}"}}' not in CASES.read_text()]
    expect(not missing, f"no case for {missing}")


@check
def caught():
    """a rule that never fires would be found"""
    for line in RULES.read_text().splitlines():
        if "expr: odometer_shard_aside" in line:
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as broken:
                broken.write(RULES.read_text().replace(line, line.replace("== 1", "== 2")))
                broken.flush()
                try:
                    tested(broken.name)
                except AssertionError:
                    return
    raise AssertionError("a broken rule passes")


run()
