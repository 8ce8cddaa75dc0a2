"""336,776 flights of a year, metered by a catalog alone: what an airport wants to know, asked over all airlines and one.

As many as left New York in the known data set of 2013, but made here from a seed. Airlines are the organizations, records
come in the order in which flights land, some twice. Every number is computed here from the flights themselves.
"""

import collections
import datetime
import json
import math
import os
import random
import time
import urllib.parse
import zoneinfo

from checks import check, expect, run
from house import House, get

House.needed()
COUNT = int(os.environ.get("FLIGHTS", 336_776))
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
UTC = datetime.timezone.utc
START, END = datetime.datetime(2025, 1, 1, tzinfo=NEW_YORK), datetime.datetime(2026, 1, 1, tzinfo=NEW_YORK)
CATALOG = """\
version: 1
envelope:
  id: /flight
  source: {const: airport}
  type: {const: flight}
  subject: /airline
  time: {at: /departure, format: unix}
events:
  flight:
    fields:
      origin: {at: /origin}
      destination: {at: /destination}
      delay: {at: /delay, is: integer}
      air: {at: /air_minutes, is: integer}
meters:
  flights: {kind: count, across: true, by: [origin], windows: [quarter, day, month], retention: {quarter: forever}, on: [{event: flight}]}
  departures: {kind: count, across: true, windows: [quarter, day, month], retention: {quarter: forever}, on: [{event: flight}]}
  delayed: {kind: count, across: true, windows: [quarter, day, month], retention: {quarter: forever}, on: [{event: flight, when: {field: delay, gt: 15}}]}
  air: {kind: sum, across: true, by: [origin], windows: [day, month], on: [{event: flight, amount: air}]}
  flown: {kind: count, across: true, by: [origin], windows: [day, month], on: [{event: flight, needs: [air]}]}
  air_average: {kind: ratio, of: air, to: flown}
  air_times: {kind: histogram, across: true, per: [organization, origin], value: air, windows: [month], on: [{event: flight}]}
  routes: {kind: ranking, across: true, by: [origin, destination], windows: [month, all], on: [{event: flight}]}
"""
ORIGINS = ["EWR", "JFK", "LGA"]
AIRLINES = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]
YEAR = {"from": "2025-01-01", "to": "2026-01-01", "zone": "America/New_York"}
#: Whole months of UTC, for meters that keep no shorter windows: all flights are in them.
MONTHS = {"from": "2025-01-01", "to": "2026-02-01"}


def flights():
    """Flights of the year by their order of landing."""
    chance = random.Random(336_776)
    places = [f"{chr(65 + n // 26)}{chr(65 + n % 26)}{chr(65 + n * 7 % 26)}" for n in range(105)]
    miles = {(origin, place): chance.randrange(20, 690) for origin in ORIGINS for place in places}
    begin, seconds, made = int(START.timestamp()), int((END - START).total_seconds()), []
    for number in range(COUNT):
        origin = chance.choice(ORIGINS)
        place = places[min(int(chance.expovariate(1 / 25)), 104)]
        flight = {"flight": f"F{number:06d}", "airline": AIRLINES[min(int(chance.expovariate(1 / 4)), 15)], "origin": origin,
                  "destination": place, "departure": begin + chance.randrange(seconds)}
        if chance.random() > 0.025:  # the others are cancelled
            flight["delay"] = int(chance.gauss(-4, 8)) if chance.random() < 0.75 else int(chance.expovariate(1 / 45))
            flight["air_minutes"] = max(20, int(chance.gauss(miles[origin, place], 9)))
        made.append(flight)
    return sorted(made, key=lambda flight: (flight["departure"] + 60 * flight.get("air_minutes", 0), flight["flight"]))


class Asker:
    """Asks one machine with one key; `flights`: those that its answers are about."""

    def __init__(self, url, key, own):
        self.url, self.headers, self.flights = url, {"Authorization": f"Bearer {key}"}, own

    def ask(self, meter, **parameters):
        query = urllib.parse.urlencode(parameters)
        for _ in range(3):
            status, _, body = get(f"{self.url}/v1/meters/{meter}/query?{query}", self.headers, timeout=30)
            if status != 503:  # a busy machine took longer than a second
                break
        expect(status == 200, f"{meter} {query}: {status} {body[:500]}")
        return json.loads(body)

    def count(self, key=lambda flight: None, wanted=lambda flight: True):
        return collections.Counter(key(flight) for flight in self.flights if wanted(flight))

    def groups(self, key):
        found = collections.defaultdict(list)
        for flight in self.flights:
            if "air_minutes" in flight:
                found[key(flight)].append(flight["air_minutes"])
        return found


def is_delayed(flight):
    return flight.get("delay", 0) > 15


def local(flight):
    return datetime.datetime.fromtimestamp(flight["departure"], UTC).astimezone(NEW_YORK)


def week(flight):
    year, number, _ = local(flight).isocalendar()
    return f"{year}-W{number:02d}"


def totals(asker):
    """All flights, and those that left more than 15 minutes late, by month of New York."""
    expect(asker.ask("departures", **YEAR)["data"][0]["value"] == len(asker.flights), "all flights")
    months = asker.count(lambda flight: local(flight).strftime("%Y-%m"), is_delayed)
    answer = asker.ask("delayed", window="month", **YEAR)
    expect({row["label"]: row["value"] for row in answer["data"]} == dict(months), f"{answer} {months}")


def weeks(asker):
    """By week in the airport's zone, a quarter of the year at a time: over all airlines 256 shards are read."""
    found = collections.Counter()
    ends = [f"2025-{month:02d}-01" for month in (1, 4, 7, 10)] + ["2026-01-01"]
    for start, end in zip(ends, ends[1:]):
        answer = asker.ask("departures", window="week", **{**YEAR, "from": start, "to": end})
        expect(not answer["meta"]["clipped"], answer["meta"])
        # A week that the end of a quarter cuts is in both.
        found.update({row["label"]: row["value"] for row in answer["data"]})
    expect(found == asker.count(week), found)


def air_times(asker):
    """Average and 95th percentile of the time in the air, by airport."""
    own = asker.groups(lambda flight: flight["origin"])
    answer = asker.ask("air_average", by="origin", **MONTHS)
    found = {row["by"]["origin"]: row["value"] for row in answer["data"]}
    expect(found.keys() == own.keys(), answer)
    for origin, minutes in own.items():
        expect(math.isclose(found[origin], sum(minutes) / len(minutes), rel_tol=1e-14), f"{origin}: {found}")
    # Keys of an airport are named by the question.
    answer = asker.ask("air_times", by="origin", filter=f"origin={ORIGINS[0]}", percentile="50,95", **MONTHS)
    row, ordered = answer["data"][0], sorted(own[ORIGINS[0]])
    for part in (50, 95):
        right = ordered[max(1, math.ceil(len(ordered) * part / 100)) - 1]
        found = row["percentiles"][str(part)]
        expect(found == right if right < 128 else abs(found - right) <= 0.008 * right, f"{part}: {found}, not {right}")


def routes(asker):
    """The ten busiest routes, and all the rest."""
    counts = asker.count(lambda flight: (flight["origin"], flight["destination"]))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], [part.encode() for part in item[0]]))
    answer = asker.ask("routes", by="origin,destination", limit="10", rest="true", **MONTHS)
    found = [((row["by"]["origin"], row["by"]["destination"]), row["value"]) for row in answer["data"]]
    expect(found == ordered[:10], f"{found}, not {ordered[:10]}")
    meta = answer["meta"]
    expect(meta["total"] == len(asker.flights) and meta["rest"] == sum(count for _, count in ordered[10:]), meta)
    expect(answer["data"][0]["rank"] == 1 and meta["rows"] == len(ordered), answer["data"][0])


def by_airline(asker):
    """Every airline's share, for the operator."""
    answer = asker.ask("flights", by="subject", rest="true", **YEAR)
    expect({row["by"]["subject"]: row["value"] for row in answer["data"]} == dict(asker.count(lambda flight: flight["airline"])), answer)
    answer = asker.ask("flights", by="subject,origin", filter="origin=JFK", **YEAR)
    right = asker.count(lambda flight: flight["airline"], lambda flight: flight["origin"] == "JFK")
    expect({row["by"]["subject"]: row["value"] for row in answer["data"]} == dict(right), answer)


@check
def a_year():
    """totals, delays, averages, percentiles, routes and weeks of 336,776 flights are what the flights say, for all and for one"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        path.write_text(CATALOG)
        made = flights()
        producer, chance = house.producer(**{"queue.buffering.max.messages": 1_000_000, "linger.ms": 20}), random.Random(1)
        repeated = 0
        for flight in made:
            again = chance.random() < 0.01
            repeated += again
            for _ in range(1 + again):
                producer.produce(house.topic, json.dumps(flight), key=flight["airline"])
            producer.poll(0)
        expect(producer.flush(120) == 0, "flush")
        unlimited = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")
        begun = time.monotonic()
        machine = house.start("up", "--meters", str(path), *unlimited).wait_ready(120)
        house.wait_counted(200)
        machine.wait_outcomes({"accepted": COUNT, "duplicate": repeated})
        print(f"{COUNT + repeated} records counted in {time.monotonic() - begun:.0f} s")
        operator = Asker(machine.url, house.key("operator", "operations", role="operator"), made)
        one = Asker(machine.url, house.key("AA", "operations", role="read"), [each for each in made if each["airline"] == "AA"])
        for asker in (operator, one):
            for question in (totals, weeks, air_times, routes):
                begun = time.monotonic()
                question(asker)
                print(f"{question.__name__}: {1_000 * (time.monotonic() - begun):.0f} ms with the comparison")
        by_airline(operator)
        expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
