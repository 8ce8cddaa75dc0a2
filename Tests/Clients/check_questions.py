"""Thousands of seeded questions about meters in any zone: every number is that of an oracle which knows no cells.

QUESTIONS=N and SEED=N change how many and which. One round has a meter of every kind, late events, duplicates, and
times around the changes of clocks that other programs get wrong.
"""

import csv
import fractions
import io
import itertools
import json
import os
import random
import re
import time
import urllib.error
import urllib.request

import questions
from checks import ROOT, check, expect, run
from house import House, get
from question_events import CATALOG, METERS, Log
from question_maker import body, is_costly, question, target
from question_numbers import percentile, shown_ratio
from zone_clock import clock

House.needed()
COUNT = int(os.environ.get("QUESTIONS", 2_000))
SEED = int(os.environ.get("SEED", 24))


class Client:
    """Asks one machine with the key of one organization."""

    def __init__(self, url, key):
        self.url, self.headers = url, {"Authorization": f"Bearer {key}"}

    def get(self, path):
        return self._patient(lambda: get(self.url + path, self.headers))

    @staticmethod
    def _patient(ask):
        """Asks again where a busy machine took longer than a second."""
        for _ in range(3):
            answer = ask()
            if answer[0] != 503:
                break
        return answer

    def post(self, path, value):
        return self._patient(lambda: self._post(path, value))

    def _post(self, path, value):
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {**self.headers, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, dict(answer.headers), answer.read()


# MARK: Comparison


def same(found, wanted, meter):
    """Whether a value of an answer is right."""
    if wanted is None or found is None:
        return found is wanted
    if meter["kind"] == "ratio":
        return found == float(shown_ratio(wanted))
    if meter["kind"] == "unique" and wanted <= meter["exact"]:
        return found == wanted
    if meter["kind"] in ("distinct", "unique"):
        return abs(found - wanted) <= max(1, 4 * 0.0081 * wanted)
    if meter.get("scale"):
        return round(found * 10 ** meter["scale"]) == wanted
    return found == wanted


def compare_rows(made, meter, rows, wanted, meta):
    zone = meta["zone"]
    expect(len(rows) == len(wanted), f"{made}: {len(rows)} rows, not {len(wanted)}: {rows[:3]} {wanted[:3]}")
    for row, right in zip(rows, wanted):
        text = (None, None) if meta["range"] is None else (zone.text(right["start"]), zone.text(right["end"]))
        expect((row["start"], row["end"], row["label"]) == (*text, right["label"]), f"{made}: {row}, not {right}")
        expect(tuple(row["by"][name] for name in made["by"]) == right["group"], f"{made}: {row}, not {right}")
        expect(row.get("partial", False) == right["partial"], f"{made}: {row}, not {right}")
        is_exact = right["exact"]
        if meter["kind"] == "unique" and row.get("exact", True) != is_exact:
            # Only where more values were counted than are told apart.
            expect(right["value"] > meter["exact"], f"{made}: {row}, not {right}")
        elif meter["kind"] == "unique":
            is_whole = made["from"] is None and not made["filter"] and is_exact
            expect(row["value"] == right["value"] or row["value"] is None, f"{made}: {row}, not {right}")
            expect(not is_whole or (right["value"] or 0) <= meter["exact"], f"{made}: {row}, not {right}")
        else:
            expect(row.get("exact", True) == is_exact, f"{made}: {row}, not {right}")
        value = right["value"]
        if "percentiles" in made:
            compare_percentiles(made, row, value)
            value = len(value)
        elif meter["kind"] == "histogram":
            steps = tuple((step["low"], step["high"], step["count"]) for step in row["steps"])
            expect(steps == value, f"{made}: {row}, not {right}")
            value = sum(count for _, _, count in value)
        expect(same(row["value"], value, meter), f"{made}: {row}, not {right}")
        if right["compare"]:
            start, end, before = right["compare"]
            given = row["compare"]
            expect((given["start"], given["end"]) == (zone.text(start), zone.text(end)), f"{made}: {row}, not {right}")
            expect(same(given["value"], before, meter), f"{made}: {row}, not {right}")
        else:
            expect("compare" not in row, f"{made}: {row}")


def compare_percentiles(made, row, values):
    """Below 128 exact, else within 1/128 of the value itself."""
    expect("steps" not in row and list(row["percentiles"]) == made["percentiles"], f"{made}: {row}")
    for text in made["percentiles"]:
        found, right = row["percentiles"][text], percentile(values, text)
        is_same = found == right if right is None or right < 128 else abs(found - right) * 128 <= right
        expect(is_same, f"{made}: {row}, not {right} for {text}")


def compare_ranks(made, rows, page, answer):
    """Ranks and shares of a page among the rows of all pages."""
    values = [row["value"] for row in rows if row["value"] is not None]
    total = sum(values)
    scale = 10 ** METERS[made["meter"]]["scale"]
    for row, right in zip(answer["data"], page):
        value = right["value"]
        rank = None if value is None else 1 + sum(other > value for other in values)
        expect(row["rank"] == rank, f"{made}: {row}, not {rank}")
        share = None if value is None or total == 0 else float(
            shown_ratio(fractions.Fraction(value, total)))
        expect(row["share"] == share, f"{made}: {row}, not {share}")
    rest = total - sum(row["value"] or 0 for row in page)
    found = tuple(round(answer["meta"][name] * scale) for name in ("total", "rest"))
    expect(found == (total, rest), f"{made}: {answer['meta']}, not {total}, {rest}")


def compare_error(made, meter, found, rows, page):
    """What the answer says of its errors."""
    if "percentiles" in made:
        shown = [percentile(row["value"], text) for row in page for text in made["percentiles"]]
        error = 0.008 if any(value is not None and value >= 128 for value in shown) else None
    elif meter["kind"] == "distinct":
        error = 0.0081
    elif meter["kind"] == "unique" and found["error"] is not None:
        error = 0.0081
        every = [number for row in rows for number in (row["value"], (row["compare"] or [0])[-1]) if number]
        expect(any(number > meter["exact"] for number in every), f"{made}: {found}")
    else:
        error = None
    expect(found["error"] == error and (error is None or found["exact"] is False), f"{made}: {found}, not {error}")


def compare_meta(made, meter, found, rows, meta):
    zone = meta["zone"]
    times = (None, None) if meta["range"] is None else tuple(map(zone.text, meta["range"]))
    expect((found["from"], found["to"]) == times, f"{made}: {found}, not {times}")
    clipped = [
        {"edge": edge, "asked": zone.text(asked), "answered": zone.text(answered)}
        for edge, asked, answered in meta["clipped"]
    ]
    expect(found["clipped"] == clipped, f"{made}: {found['clipped']}, not {clipped}")
    expect(found["rows"] == len(rows) and found["offset"] == made["offset"], f"{made}: {found}")
    expect(found["zone"] == made["zone"] and found["asOf"] and found["lagMs"] >= 0, f"{made}: {found}")
    end = made["offset"] + min(made["limit"], max(0, len(rows) - made["offset"]))
    expect((found["next"] is None) == (end >= len(rows) or end == made["offset"]), f"{made}: {found}")


def compare_csv(made, meter, text, wanted, meta):
    """The same rows as lines."""
    lines = list(csv.reader(io.StringIO(text.decode(), newline="")))
    expect(lines[0][:3] == ["start", "end", "label"] and lines[0][3:3 + len(made["by"])] == made["by"], lines[0])
    if meter["kind"] in ("histogram", "distinct", "unique"):
        return
    expect(len(lines) - 1 == len(wanted), f"{made}: {len(lines) - 1} lines, not {len(wanted)}")
    for line, right in zip(lines[1:], wanted):
        expect(tuple(line[3:3 + len(made["by"])]) == right["group"], f"{made}: {line}, not {right}")
        value = right["value"]
        shown = line[3 + len(made["by"])]
        if meter["kind"] == "ratio" and value is not None:
            value = shown_ratio(value)
        elif meter.get("scale") and value is not None:
            shown, value = str(round(float(shown) * 100)), str(value)
        expect(shown == ("" if value is None else str(value)), f"{made}: {line}, not {right}")


class Round:
    """A machine with counted events, and the questions that it is asked."""

    def __init__(self, client, log):
        self.client, self.log = client, log
        self.answered = self.refused = self.numbers = self.large = 0

    def expected(self, made):
        meter = METERS[made["meter"]]
        try:
            if made["from"] is not None and meter["windows"] == ["all"]:
                raise questions.Refused("windows")
            rows, meta = questions.answer(made, meter, self.log.events[made["meter"]], time.time())
            if len(rows) > 500_000:
                raise questions.Refused("rows")
            return rows, meta
        except questions.Refused as why:
            return None, why

    def judge(self, made, status, answer):
        """Compares one answer with the oracle's."""
        meter = METERS[made["meter"]]
        rows, meta = self.expected(made)
        if rows is None:
            self.refused += 1
            expect(status == 400, f"{made}: {status}, to be refused for {meta}: {answer}")
            return None
        expect(status == 200, f"{made}: {status} {answer}")
        page = rows[made["offset"]:made["offset"] + made["limit"]]
        if "member" in made:
            page = [row for row in rows if row["group"] == tuple(made["member"][name] for name in made["by"])]
        compare_rows(made, meter, answer["data"], page, meta)
        compare_meta(made, meter, answer["meta"], page if "member" in made else rows, meta)
        compare_error(made, meter, answer["meta"], rows, page)
        if "rest" in made:
            compare_ranks(made, rows, page, answer)
        self.answered += 1
        self.numbers += len(page)
        return page, meta

    def ask(self, chance):
        made = question(chance, int(self.log.now))
        zone = clock(made["zone"])
        if chance.random() < 0.5:
            status, _, text = self.client.get(target(made, zone))
        else:
            status, _, text = self.client.post(f"/v1/meters/{made['meter']}/query", body(made, zone))
        answer = json.loads(text)
        judged = self.judge(made, status, answer)
        if judged and chance.random() < 0.2:
            status, _, text = self.client.get(target(made, zone) + "&format=csv")
            expect(status == 200, f"{made}: {status}")
            compare_csv(made, METERS[made["meter"]], text, *judged)
        if judged and answer["meta"]["next"] and chance.random() < 0.5:
            self.follow(made, zone, answer["meta"]["next"])

    def follow(self, made, zone, cursor):
        """The next page by its cursor."""
        value = {name: part for name, part in body(made, zone).items() if name != "offset"}
        status, _, text = self.client.post(f"/v1/meters/{made['meter']}/query", {**value, "cursor": cursor})
        expect(status == 200, f"{made}: {status} {text}")
        rows, meta = self.expected(made)
        start = made["offset"] + made["limit"]
        compare_rows(
            made, METERS[made["meter"]], json.loads(text)["data"], rows[start:start + made["limit"]], meta)

    def ask_several(self, chance):
        """Several questions about one range in one body."""
        first = question(chance, int(self.log.now))
        if first["from"] is None:
            return
        asked = [first]
        for _ in range(chance.randrange(1, 6)):
            made = question(chance, int(self.log.now))
            made.update({name: first[name] for name in ("from", "to", "zone")})
            asked.append(made)
        is_long = first["to"] - first["from"] > 5 * 86_400
        asked = [
            made for made in asked
            if not (is_long and is_costly(made)) and self.expected(made)[0] is not None
        ]
        if not asked:
            return
        zone = clock(first["zone"])
        value = {
            "from": zone.text(first["from"]), "to": zone.text(first["to"]), "zone": first["zone"],
            "queries": [body(made, zone, is_part=True) for made in asked],
        }
        status, _, text = self.client.post("/v1/query", value)
        if status == 400 and b"cells, at most" in text:
            self.large += 1  # together they read more than one request may
            return
        expect(status == 200, f"{value}: {status} {text[:500]}")
        for made, answer in zip(asked, json.loads(text)["answers"]):
            self.judge(made, 200, answer)


@check
def every_number():
    """questions × zones × ranges × groups × filters × pages: every number is the oracle's"""
    with House() as house:
        catalog = house.folder / "catalog.yaml"
        catalog.write_text(CATALOG)
        now = time.time()
        logs = [Log(SEED, name, int(now), count) for name, count in (("o-1", 6_000), ("o-2", 500))]
        unlimited = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")
        machine = house.start("up", "--meters", str(catalog), *unlimited).wait_ready()
        keys = [house.key(name, "operations") for name in ("o-1", "o-2")]
        producer = house.producer()
        # Late events: the log is in no order of time.
        for record in itertools.chain.from_iterable(log.records for log in logs):
            producer.produce(house.topic, json.dumps(record), key=record["subject"] + record["id"])
        producer.flush(30)
        house.wait_counted()
        count = sum(log.count for log in logs)
        repeated = sum(len(log.records) for log in logs) - count
        machine.wait_outcomes({"accepted": count, "duplicate": repeated})
        chance = random.Random(SEED)
        rounds = [Round(Client(machine.url, key), log) for key, log in zip(keys, logs)]
        began = time.monotonic()
        for number in range(COUNT):
            asked = rounds[0 if number % 5 else 1]
            if chance.random() < 0.15:
                asked.ask_several(chance)
            else:
                asked.ask(chance)
        answered, refused, numbers = (
            sum(getattr(asked, name) for asked in rounds) for name in ("answered", "refused", "numbers"))
        print(f"{answered} answered with {numbers} numbers, {refused} refused, {time.monotonic() - began:.0f} s")
        expect(answered > COUNT / 3 and refused > COUNT / 20, "a round of both")
        expect(sum(asked.large for asked in rounds) < COUNT / 50, "requests that are too large")
        expect(machine.terminate() == 0, "exit code after SIGTERM")


# MARK: Examples of the document


def without_times(value):
    """An answer without what is different each time."""
    if isinstance(value, dict):
        left = {name: without_times(part) for name, part in value.items() if name not in ("asOf", "lagMs")}
        if isinstance(left.get("next"), str):
            left["next"] = "…"
        return left
    return [without_times(part) for part in value] if isinstance(value, list) else value


@check
def documents_examples():
    """the questions of docs/QUERY.md have the answers that it shows"""
    text = (ROOT / "docs/QUERY.md").read_text()
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.S | re.M)
    (catalog,) = (block for kind, block in blocks if kind == "yaml")
    (records,) = (block for kind, block in blocks if kind == "json")
    examples = [block for kind, block in blocks if kind == "text" and re.match("GET|POST", block)]
    expect(len(examples) >= 4, f"{len(examples)} examples")
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(catalog)
        machine = house.start("up", "--meters", str(path)).wait_ready()
        client = Client(machine.url, house.key("acme", "operations"))
        producer = house.producer()
        for record in json.loads(records):
            producer.produce(house.topic, json.dumps(record), key="acme")
        producer.flush(30)
        house.wait_counted()
        for example in examples:
            line, rest = example.split("\n", 1)
            method, where = line.split(" ")
            if method == "POST":
                asked, rest = rest.split("\n", 1)
                status, _, found = client.post(where, json.loads(asked))
            else:
                status, _, found = client.get(where)
            if rest.startswith("400 "):
                said = f"{status} {json.loads(found)['message']}"
                expect(said == " ".join(rest.split()), f"{line}: {said}")
            elif "format=csv" in where:
                expect(found.decode() == rest.replace("\n", "\r\n"), f"{line}: {found}")
            else:
                wanted, found = without_times(json.loads(rest)), without_times(json.loads(found))
                expect(wanted == found, f"{line}: {found}")


run()
