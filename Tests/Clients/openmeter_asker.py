"""One client of OpenMeter's API for check_openmeter.py: it asks in every form and compares with the oracle."""

import csv
import decimal
import io
import json
import time
import urllib.error
import urllib.request

import openmeter_oracle
from checks import expect
from openmeter_maker import METERS, is_aligned, v1_body, v1_pairs, v3_body
from zone_clock import clock

V1, V3 = "/api/v1/meters", "/api/v3/openmeter/meters"


def send(url, headers, value=None, method=None):
    """Status, headers and body; asks again where a busy machine took longer than a second."""
    for _ in range(4):
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            url, data, {**headers, **({"Content-Type": "application/json"} if data else {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                found = answer.code, dict(answer.headers), answer.read()
        if found[0] != 503:
            break
    return found


def loads(text):
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


class Asker:
    """The key of one organization, its events, and what was compared."""

    def __init__(self, url, key, organization, counted):
        self.url, self.key, self.organization = url, key, organization
        self.events = sorted(counted, key=lambda event: event[0])
        self.headers = {"Authorization": f"Bearer {key}"}
        self.compared = self.refused = self.rows = 0

    def ends(self, at):
        """What may be the end of a question without one: the minute that is not over."""
        if at is not None:
            return {at}
        now = int(time.time()) // 60 * 60
        return {now, now + 60}

    def judge(self, made, rows):
        """Compares the rows of an answer, as (start, end, subject, group, number as text), with the oracle's."""
        wanted = openmeter_oracle.answer(made, METERS[made["meter"]], self.events)
        zone = clock(made["zone"])
        expect(len(rows) == len(wanted), f"{made}: {len(rows)} rows, not {len(wanted)}: {rows[:3]} {wanted[:3]}")
        found = {(start, subject, group): (end, value) for start, end, subject, group, value in rows}
        expect(len(found) == len(rows), f"{made}: a row is there twice")
        starts = [start for start, *_ in rows]
        order = {zone.text(row.start): row.start for row in wanted}
        expect(all(start in order for start in starts), f"{made}: {starts[:3]}, not {list(order)[:3]}")
        expect([order[start] for start in starts] == sorted(order[start] for start in starts), f"{made}: order")
        for row in wanted:
            key = (zone.text(row.start), row.subject, row.group)
            expect(key in found, f"{made}: {row} is not there, but {rows[:3]}")
            end, value = found[key]
            expect(end in map(zone.text, self.ends(row.end)), f"{made}: {end}, not {row}")
            right = any(self.same(made, decimal.Decimal(value), one) for one in row.values)
            expect(right, f"{made}: {value}, not {row}")
        self.compared += 1
        self.rows += len(rows)

    def same(self, made, value, wanted):
        if METERS[made["meter"]]["aggregation"] == "UNIQUE_COUNT":
            return abs(value - wanted) <= max(1, decimal.Decimal("0.033") * wanted)
        return value == wanted

    # MARK: Forms

    def v1(self, made, chance):
        keys = [key for key in made["groupBy"] if key != "subject"]
        target = f"{self.url}{V1}/{made['meter']}/query"
        if chance.random() < 0.5:
            asked = send(f"{target}?{v1_pairs(made, chance)}", self.headers)
        else:
            asked = send(target, self.headers, v1_body(made))
        answer = self.opened(made, asked, "application/json")
        if answer is None:
            return
        answer = loads(answer)
        zone = clock(made["zone"])
        for name in ("from", "to"):
            wanted = None if made[name] is None else zone.text(made[name])
            expect(answer.get(name) == wanted and (name in answer) == (wanted is not None), f"{made}: {answer}")
        expect(answer.get("windowSize") == made["size"], f"{made}: {answer}")
        for row in answer["data"]:
            expect(list(row["groupBy"]) == keys, f"{made}: {row}")
        self.judge(made, [
            (row["windowStart"], row["windowEnd"], row["subject"], tuple(row["groupBy"].values()), row["value"])
            for row in answer["data"]])

    def v1_csv(self, made, chance):
        asked = send(
            f"{self.url}{V1}/{made['meter']}/query?{v1_pairs(made, chance)}", {**self.headers, "Accept": "text/csv"})
        self.csv(made, asked, ["window_start", "window_end"], lambda value: value.split(".")[1:] != [] and len(
            value.split(".")[1]) == 6)

    def v3(self, made, _):
        body = v3_body(made)
        if body is None:
            return
        asked = send(f"{self.url}{V3}/{made['meter']}/query", self.headers, body)
        answer = self.opened(made, asked, "application/json")
        if answer is None:
            return
        rows = []
        keys = [key for key in made["groupBy"] if key != "subject"]
        for row in loads(answer)["data"]:
            named = row["dimensions"]
            expect(set(named) <= {*keys, "subject"}, f"{made}: {row}")
            group = tuple(named.get(key, "") for key in keys)
            expect(row["value"] == shortest(row["value"]), f"{made}: {row}")
            rows.append((row["from"], row["to"], named.get("subject"), group, row["value"]))
        self.judge(made, rows)

    def v3_csv(self, made, _):
        body = v3_body(made)
        if body is not None:
            asked = send(f"{self.url}{V3}/{made['meter']}/query", {**self.headers, "Accept": "text/csv"}, body)
            self.csv(made, asked, ["from", "to"], lambda value: value == shortest(value))

    def csv(self, made, asked, head, is_number):
        text = self.opened(made, asked, "text/csv")
        if text is None:
            return
        expect(asked[1]["Content-Disposition"] == f"attachment; filename={made['meter']}.csv", asked[1])
        expect(b"\r" not in text, f"{made}: lines end with LF")
        lines = list(csv.reader(io.StringIO(text.decode(), newline="")))
        keys = [key for key in made["groupBy"] if key != "subject"]
        has_subject = made["subject"] is not None or "subject" in made["groupBy"]
        head = head + (["subject"] if has_subject else [])
        expect(lines[0] == [*head, *keys, "value"], f"{made}: {lines[0]}")
        expect(all(is_number(line[-1]) for line in lines[1:]), f"{made}: {lines[1:3]}")
        self.judge(made, [
            (line[0], line[1], line[2] if has_subject else None, tuple(line[len(head):-1]), line[-1])
            for line in lines[1:]])

    def opened(self, made, asked, kind):
        """The body; None where the question had to be refused, and was."""
        status, headers, text = asked
        # An operator has no organization of its own.
        is_nobody = self.organization and made["subject"] is not None and self.organization not in made["subject"]
        if not is_aligned(made) and not is_nobody:
            expect(status == 400, f"{made}: {status}, and not refused: {text[:200]}")
            expect(headers["Content-Type"] == "application/problem+json", headers)
            problem = json.loads(text)
            reasons = ("is inside the shortest time", "is no whole number of them", "is shorter than the cells")
            expect(any(reason in problem["detail"] for reason in reasons), problem)
            self.refused += 1
            return None
        expect(status == 200 and headers["Content-Type"] == kind, f"{made}: {status} {text[:500]}")
        return text


def shortest(text):
    return format(decimal.Decimal(text).normalize(), "f")
