"""Questions over several and over all organizations: every number is that of an oracle which knows no cells.

QUESTIONS=N and SEED=N change how many and which. The meters are those of check_questions.py, each also counted over all
organizations; there are late events, duplicates, and ids that names of keys escape.
"""

import itertools
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request

import question_events
import questions
import yaml
from checks import check, expect, run
from house import House, get
from question_events import METERS as ALL_METERS
from question_events import Log
from question_maker import body, is_costly, question, target
from zone_clock import clock

House.needed()
KINDS = ("count", "sum", "level", "extreme", "distinct", "histogram", "ranking")
#: Meters with cells of their own; a grid is not asked for.
METERS = {name: meter for name, meter in ALL_METERS.items() if meter["kind"] in KINDS}
COUNT = int(os.environ.get("QUESTIONS", 400))
SEED = int(os.environ.get("SEED", 61))
#: Ids that are alike, that names of keys escape, and that are spelled like what belongs to all.
IDS = ["acme", "acme2", "%all", "%subjects", "a:b {c}", "Ärzte", "unknown", "o,1", "totals"]


def catalog():
    """The catalog of check_questions.py with `across` on every meter that can have it."""
    declared = yaml.safe_load(question_events.CATALOG)
    kept = {name: meter for name, meter in declared["meters"].items() if name in METERS}
    for meter in kept.values():
        meter["across"] = True
    return {**declared, "meters": kept}


class Client:
    """Asks one machine with one key."""

    def __init__(self, url, key):
        self.url, self.headers = url, {"Authorization": f"Bearer {key}"}

    def get(self, path):
        for _ in range(3):
            answer = get(self.url + path, self.headers, timeout=20)
            if answer[0] != 503:  # a busy machine took longer than a second
                break
        return answer[0], json.loads(answer[2])

    def post(self, path, value):
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {**self.headers, "Content-Type": "application/json"})
        for _ in range(3):
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as answer:
                with answer:
                    status, found = answer.code, json.loads(answer.read())
                if status != 503:
                    break
        return status, found


def merged(logs):
    """The entries of all organizations, each with its organization as the dimension `subject`."""
    events = {}
    for name in METERS:
        entries = []
        for log in logs:
            for at, dimensions, amount, value in log.events[name].entries:
                entries.append((at, {**dimensions, "subject": log.organization}, amount, value))
        events[name] = questions.Events(entries)
    return events


def expected(made, subjects, events):
    """The oracle's rows: several organizations are a filter of a dimension in keys, all of them none."""
    meter, asked = dict(METERS[made["meter"]]), dict(made)
    if subjects == "*":
        if "subject" in made["by"]:
            meter["by"] = [*meter["by"], "subject"]
    else:
        meter["per"] = [[*scope, "subject"] for scope in meter["per"]]
        asked["filter"] = {**made["filter"], "subject": {"in": list(dict.fromkeys(subjects))}}
    if made["from"] is not None and meter["windows"] == ["all"]:
        raise questions.Refused("windows")
    return questions.answer(asked, meter, events[made["meter"]], time.time())


def same(found, wanted, meter):
    if wanted is None or found is None:
        return found is wanted
    if meter["kind"] == "distinct":
        return abs(found - wanted) <= max(1, 4 * 0.0081 * wanted)
    if meter["scale"]:
        return round(found * 10 ** meter["scale"]) == wanted
    return found == wanted


def compare(made, subjects, answer, rows, meta):
    """Every row of a page."""
    meter, zone = METERS[made["meter"]], meta["zone"]
    what = f"{made} of {subjects}"
    expect(answer["meta"]["rows"] == len(rows), f"{what}: {answer['meta']}, not {len(rows)} rows")
    page = rows[made["offset"]:made["offset"] + made["limit"]]
    expect(len(answer["data"]) == len(page), f"{what}: {len(answer['data'])} rows, not {len(page)}")
    for row, right in zip(answer["data"], page):
        text = (None, None) if meta["range"] is None else (zone.text(right["start"]), zone.text(right["end"]))
        expect((row["start"], row["end"]) == text, f"{what}: {row}, not {right}")
        expect(tuple(row["by"][name] for name in made["by"]) == right["group"], f"{what}: {row}, not {right}")
        value = right["value"]
        if meter["kind"] == "histogram":
            steps = tuple((step["low"], step["high"], step["count"]) for step in row["steps"])
            expect(steps == value, f"{what}: {row}, not {right}")
            value = sum(count for _, _, count in value)
        expect(same(row["value"], value, meter), f"{what}: {row}, not {right}")
        if right["compare"]:
            expect(same(row["compare"]["value"], right["compare"][2], meter), f"{what}: {row}, not {right}")
    return len(page)


def is_too_much(made):
    """Whether 256 shards may need too many windows or keys each for a second of a build for debugging."""
    meter = METERS[made["meter"]]
    if made["from"] is None:
        return False
    length = made["to"] - made["from"]
    longest = {"minute": 2_400, "quarter": 36_000, "hour": 86_400}.get(made["window"])
    if longest and length > longest:
        return True
    if meter["kind"] in ("count", "sum", "level", "extreme") and not meter["by"]:
        return length > 200 * 86_400
    return bool(made["compare"]) or length > 40 * 86_400


def over_organizations(chance, now):
    """A question, and whose events it counts."""
    while True:
        made = question(chance, now)
        # What is made of the rows is in check_questions.py.
        for name in ("rest", "member", "percentiles"):
            made.pop(name, None)
        if made["meter"] not in METERS:
            continue
        if not (made["from"] is not None and is_costly(made)) and not is_too_much(made):
            break
    if chance.random() < 0.5:
        made["by"].insert(chance.randrange(len(made["by"]) + 1), "subject")
        if METERS[made["meter"]]["kind"] == "distinct" and made["order"] not in ("time", "-time"):
            made["order"] = "name"
    subjects = "*"
    if chance.random() < 0.5:
        subjects = chance.sample([*IDS, "nobody", "%25all"], chance.randrange(1, 5))
        subjects += subjects[:chance.randrange(2)]  # twice is once
    return made, subjects


def ask(client, chance, made, subjects):
    """By parameters or by a body."""
    zone = clock(made["zone"])
    if chance.random() < 0.5:
        path = target(made, zone)
        if subjects != "*":
            path += "".join("&subject=" + urllib.parse.quote(name, safe="") for name in subjects)
        elif chance.random() < 0.5:
            path += "&subject=*"
        return client.get(path)
    value = body(made, zone)
    if subjects != "*" or chance.random() < 0.5:
        value["subject"] = subjects
    return client.post(f"/v1/meters/{made['meter']}/query", value)


def every_answer(client, logs, now):
    """Seeded questions; the share of what is refused is bounded."""
    events, chance = merged(logs), random.Random(SEED)
    answered = refused = large = numbers = 0
    for _ in range(COUNT):
        made, subjects = over_organizations(chance, now)
        status, answer = ask(client, chance, made, subjects)
        if status == 400 and ("at most" in answer["message"]):
            large += 1
            continue
        try:
            rows, meta = expected(made, subjects, events)
        except questions.Refused as why:
            expect(status == 400, f"{made} of {subjects}: {status}, to be refused for {why}")
            refused += 1
            continue
        expect(status == 200, f"{made} of {subjects}: {status} {answer}")
        numbers += compare(made, subjects, answer, rows, meta)
        answered += 1
    print(f"{answered} answered with {numbers} numbers, {refused} refused, {large} too large")
    expect(answered > COUNT / 3 and large < COUNT / 3, "most are answered")


def every_list(client, logs):
    """The organizations of each meter, in all of time and in single months."""
    zone = clock("UTC")
    chance = random.Random(SEED)
    for name, meter in METERS.items():
        months = {}
        for log in logs:
            for at, *_ in log.events[name].entries:
                months.setdefault(zone.text(at)[:7], set()).add(log.organization)
        known = sorted(set().union(*months.values()), key=str.encode)
        if "all" in meter["windows"]:
            status, answer = client.get(f"/v1/meters/{name}/subjects?limit=5")
            expect(status == 200 and answer["subjects"] == known[:5], f"{name}: {answer}, not {known}")
            expect(answer["meta"] == {"rows": len(known), "offset": 0, "next": 5}, answer)
        if name == "recent":
            continue  # its months expire
        for month in chance.sample(sorted(months), 3):
            status, answer = client.get(f"/v1/meters/{name}/subjects?from={month}-15&to={month}-16")
            wanted = sorted(months[month], key=str.encode)
            expect(status == 200 and answer["subjects"] == wanted, f"{name} {month}: {answer}, not {wanted}")


def no_other_role(house, url):
    """What an operator may is 403 for all others, and an operator's key opens no organization."""
    for role in ("read", "admin"):
        client = Client(url, house.key("acme", "operations", role=role))
        for named in ("subject=acme2", "subject=*", "subject=acme&subject=acme2", "subject=nobody"):
            expect(client.get(f"/v1/meters/sales/query?{named}")[0] == 403, f"{role} {named}")
        expect(client.get("/v1/meters/sales/subjects")[0] == 403, f"{role} lists")
        status, own = client.get("/v1/meters/sales/query?subject=acme&by=subject")
        expect(status == 200 and [row["by"] for row in own["data"]] == [{"subject": "acme"}], own)
        several = client.post("/v1/query", {"subject": ["acme2"], "queries": [{"meter": "sales"}]})
        expect(several[0] == 403, several)
    operator = Client(url, house.key("acme", "operations", role="operator"))
    expect(operator.get("/v1/meters/sales")[0] == 403, "an operator reads one organization's route")
    expect(operator.get("/v1/meters")[0] == 200, "an operator lists meters")


@check
def every_number():
    """organizations × questions: every number is the oracle's, every list has the organizations, nobody else sees them"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(yaml.safe_dump(catalog(), sort_keys=False))
        now = int(time.time())
        logs = []
        for number, name in enumerate(IDS):
            log = Log(SEED, name, now, 1_500 if number == 0 else 60)
            log.organization = name
            logs.append(log)
        unlimited = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")
        machine = house.start("up", "--meters", str(path), *unlimited).wait_ready()
        producer = house.producer()
        # Late events: the log is in no order of time.
        for record in itertools.chain.from_iterable(log.records for log in logs):
            producer.produce(house.topic, json.dumps(record), key=record["subject"] + record["id"])
        producer.flush(30)
        house.wait_counted()
        count = sum(log.count for log in logs)
        repeated = sum(len(log.records) for log in logs) - count
        machine.wait_outcomes({"accepted": count, "duplicate": repeated})
        client = Client(machine.url, house.key("operator", "operations", role="operator"))
        every_list(client, logs)
        every_answer(client, logs, now)
        no_other_role(house, machine.url)
        house.call("verify", "--full", "--meters", str(path))
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
