"""OpenMeter's API: its client for Python works unchanged, and every number is that of an oracle over the raw events.

QUESTIONS=N and SEED=N change how many and which. The oracle was written from the description of that API.
"""

import json
import os
import pathlib
import random
import subprocess
import time

from checks import ROOT, check, expect, run
from house import House
from openmeter_asker import V1, V3, Asker, loads, send
from openmeter_maker import ACROSS, CATALOG, METERS, events, is_aligned, question
from zone_clock import clock

House.needed()
COUNT = int(os.environ.get("QUESTIONS", 700))
SEED = int(os.environ.get("SEED", 24))
SDK = pathlib.Path(os.environ.get("SDK_TOOLS", ROOT / ".tools/sdk")) / "bin/python3"
ORGANIZATIONS = ["acme", "Kundin 1 ü"]


class Place:
    """A machine with the events of two organizations, counted in two parts: the second ones are late."""

    shared = None

    def __init__(self, house):
        self.house, self.now = house, int(time.time())
        catalog = house.folder / "catalog.yaml"
        catalog.write_text(CATALOG)
        secret = house.folder / "portal"
        secret.write_text("the secret of the portals, 32 bytes or more")
        unlimited = ("--rate-limit", "0", "--address-rate-limit", "0", "--organization-requests", "0")
        self.machine = house.start(
            "up", "--meters", str(catalog), "--openmeter-portal-secret-file", str(secret), *unlimited).wait_ready()
        self.askers = []
        made = [events(SEED, name, self.now, 5_000 if name == "acme" else 1_200) for name in ORGANIZATIONS]
        for part in (0, 1):
            producer = house.producer()
            for records, _ in made:
                for record in records[part::2]:
                    producer.produce(house.topic, json.dumps(record, ensure_ascii=False).encode(), record["subject"].encode())
            producer.flush()
            house.wait_counted()
        for name, (_, counted) in zip(ORGANIZATIONS, made):
            key = house.key(name, "openmeter", role="admin")
            self.askers.append(Asker(self.machine.url, key, name, counted))
        key = house.key("us", "openmeter", role="operator")
        self.operator = Asker(self.machine.url, key, None, made[0][1] + made[1][1])


def place():
    """What all checks ask."""
    return Place.shared


@check
def every_number():
    """questions of version 1 and 3, JSON and CSV: every number is the oracle's, and what cells cannot answer is refused"""
    chance = random.Random(SEED)
    askers = place().askers
    began = time.monotonic()
    for _ in range(COUNT):
        asker = askers[0] if chance.random() < 0.8 else askers[1]
        made = question(chance, place().now, asker.organization)
        asker.v1(made, chance)
        other = chance.random()
        for part, form in ((0.2, asker.v1_csv), (0.7, asker.v3), (0.85, asker.v3_csv)):
            if other < part:
                form(made, chance)
                break
    compared, refused = (sum(getattr(one, name) for one in askers) for name in ("compared", "refused"))
    rows = sum(one.rows for one in askers)
    print(f"{compared} answers with {rows} rows, {refused} refused, {time.monotonic() - began:.0f} s")
    expect(compared >= COUNT and refused >= COUNT / 20, (compared, refused))


@check
def operator():
    """an operator's key sees all subjects, and tells them apart"""
    chance, askers = random.Random(SEED + 2), place().askers
    asker = place().operator
    while asker.compared < 120:
        made = question(chance, place().now, chance.choice(ORGANIZATIONS), ACROSS)
        if made["size"] is None or made["to"] is None or made["to"] - (made["from"] or 0) < 90 * 86_400:
            chance.choice([asker.v1, asker.v1_csv, asker.v3])(made, chance)
    for target in ("", "?from=2015-01-01T00:00:00Z"):
        found = json.loads(send(f"{asker.url}{V1}/prompts/subjects{target}", asker.headers)[2])
        expect(found == sorted(ORGANIZATIONS, key=str.encode), found)
    status, _, text = send(f"{asker.url}{V1}/tokens/query", asker.headers)
    expect(status == 400 and b"across" in text, text)
    made = json.loads(send(f"{asker.url}/api/v1/portal/tokens", asker.headers, {"subject": ORGANIZATIONS[1]})[2])
    headers = {"Authorization": f"Bearer {made['token']}"}
    answer = loads(send(f"{asker.url}/api/v1/portal/meters/prompts/query", headers)[2])
    wanted = sum(kind == "prompt" for _, _, kind, _ in askers[1].events)
    expect([(row["subject"], row["value"]) for row in answer["data"]] == [(ORGANIZATIONS[1], wanted)], answer)


@check
def problems():
    """what is wrong is refused as OpenMeter words it"""
    asker = place().askers[0]
    for target, status, part in [
        ("/nothing/query", 404, "nothing"), ("/prompts/query?windowSize=SECOND", 400, "MINUTE"),
        ("/prompts/query?windowTimeZone=Mars/Base", 400, "windowTimeZone"), ("/prompts/query?groupBy=user", 400, "user"),
        ("/prompts/query?groupBy=customer_id", 400, "customer"), ("/prompts/query?filterCustomerId=x", 404, "customer"),
        ("/prompts/query?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "before"),
        ("/prompts/query?from=yesterday", 400, "RFC 3339"), ("/prompts/query?filterGroupBy[user]=x", 400, "user"),
        ("/prompts/query?advancedMeterGroupByFilters=%7B%22model%22:%7B%22$eq%22:%22%22%7D%7D", 400, "1 to"),
        ("/prompts/query?advancedMeterGroupByFilters=%7B%22model%22:%7B%7D%7D", 400, "exactly one"),
        ("/prompts/query?advancedMeterGroupByFilters=%7B%22model%22:%7B%22$exists%22:true%7D%7D", 400, "exists"),
        ("/calls/query?groupBy=route", 400, "route"), ("/open_calls", 404, "open_calls"), ("/first_user", 404, "first"),
    ]:
        found, headers, text = send(f"{asker.url}{V1}{target}", asker.headers)
        problem = json.loads(text)
        expect(found == status and part in problem["detail"], f"{target}: {found} {problem}")
        expect(headers["Content-Type"] == "application/problem+json", headers)
        expect(problem["type"] == "about:blank" and problem["status"] == status and problem["title"], problem)
    body = {"granularity": "PT1S"}
    found, headers, text = send(f"{asker.url}{V3}/prompts/query", asker.headers, body)
    problem = json.loads(text)
    expect(found == 400 and problem["type"] == "https://kongapi.info/konnect/bad-request", problem)
    (wrong,) = problem["invalid_parameters"]
    expect(wrong["field"] == "granularity" and wrong["source"] == "body", wrong)
    for path, status in [("/events", 501), ("/nothing", 404)]:
        found, headers, text = send(f"{asker.url}/api/v3/openmeter{path}", asker.headers)
        expect(found == status and headers["Content-Type"] == "application/problem+json", f"{path}: {found} {text}")
    for headers in ({}, {"Authorization": "Bearer nothing"}):
        found, given, text = send(f"{asker.url}{V1}", headers)
        expect(found == 401 and "WWW-Authenticate" in given and json.loads(text)["status"] == 401, text)


@check
def lists():
    """meters, subjects and values of both versions"""
    asker = place().askers[0]
    found = json.loads(send(f"{asker.url}{V3}", asker.headers)[2])
    expect([one["key"] for one in found["data"]] == sorted(METERS), found)
    expect(found["meta"]["page"] == {"size": 20, "number": 1, "total": len(METERS)}, found["meta"])
    found = json.loads(send(f"{asker.url}{V3}?page[size]=2&page[number]=2&filter[key][contains]=T", asker.headers)[2])
    names = [name for name in sorted(METERS) if "t" in name]
    expect([one["key"] for one in found["data"]] == names[2:4] and found["meta"]["page"]["total"] == len(names), found)
    one = json.loads(send(f"{asker.url}{V3}/tokens", asker.headers)[2])
    expect(one["dimensions"] == METERS["tokens"]["groupBy"] and one["aggregation"] == "sum", one)
    subjects = json.loads(send(f"{asker.url}{V1}/prompts/subjects", asker.headers)[2])
    expect(subjects == [asker.organization], subjects)
    values = json.loads(send(f"{asker.url}{V1}/prompts/group-by/model/values?from=2015-01-01T00:00:00Z", asker.headers)[2])
    wanted = {data.get("model", "") for _, _, kind, data in asker.events if kind == "prompt"}
    expect(values == sorted(wanted, key=str.encode), values)
    today = json.loads(send(f"{asker.url}{V1}/prompts/group-by/model/values", asker.headers)[2])
    expect(set(today) <= wanted and today == sorted(today, key=str.encode), today)


@check
def portal():
    """a token for a portal opens its meters of its subject from any origin, and nothing else"""
    asker = place().askers[0]
    tokens = f"{asker.url}/api/v1/portal/tokens"
    wanted = {"subject": asker.organization, "allowedMeterSlugs": ["prompts", "cost"]}
    status, _, text = send(tokens, asker.headers, wanted)
    made = json.loads(text)
    expect(status == 200 and made["subject"] == asker.organization and len(made["id"]) == 26, text)
    headers = {"Authorization": f"Bearer {made['token']}"}
    path = f"{asker.url}/api/v1/portal/meters"
    status, given, text = send(f"{path}/prompts/query?subject=nobody&groupBy=model", headers)
    expect(status == 200 and given["Access-Control-Allow-Origin"] == "*", f"{status} {text}")
    question_made = {
        "meter": "prompts", "zone": "UTC", "from": None, "to": None, "subject": [asker.organization],
        "groupBy": ["model"], "size": None, "filter": None, "advanced": None}
    asker.judge(question_made, [
        (row["windowStart"], row["windowEnd"], row["subject"], tuple(row["groupBy"].values()), row["value"])
        for row in loads(text)["data"]])
    for target, given, status in [
        ("tokens", headers, 401), ("prompts", {}, 401), ("prompts", asker.headers, 401),
        ("prompts", {"Authorization": f"Bearer {made['token'][:-2]}xx"}, 401),
    ]:
        found, answered, text = send(f"{path}/{target}/query", given)
        expect(found == status and answered["Access-Control-Allow-Origin"] == "*", f"{target}: {found} {text}")
    found, answered, _ = send(f"{path}/prompts/query", {}, method="OPTIONS")
    expect(found == 204 and "Authorization" in answered["Access-Control-Allow-Headers"], answered)
    found = send(f"{asker.url}{V1}/prompts/query", headers)[0]
    expect(found == 401, "a token is no key")
    for body, status in [
        ({**wanted, "allowedMeterSlugs": []}, 400), ({**wanted, "allowedMeterSlugs": ["nothing"]}, 404),
        ({"subject": "nobody"}, 403), ({}, 400), ({**wanted, "expiresAt": "2020-01-01T00:00:00Z"}, 400),
    ]:
        found, _, text = send(tokens, asker.headers, body)
        expect(found == status, f"{body}: {found} {text}")
    expect(send(tokens, asker.headers)[0] == 501, "lists of tokens")
    reader = place().house.key(asker.organization, "openmeter", role="read")
    expect(send(tokens, {"Authorization": f"Bearer {reader}"}, wanted)[0] == 403, "a read key makes tokens")


class Client:
    """OpenMeter's client for Python, in a process of its own."""

    def __init__(self, url, key):
        self.process = subprocess.Popen(
            [SDK, pathlib.Path(__file__).with_name("openmeter_sdk.py"), url, key], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def __call__(self, name, **arguments):
        self.process.stdin.write(json.dumps({"do": name, "with": arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        expect(line, f"{name}: the client ended")
        return loads(line)

    def answer(self, name, **arguments):
        found = self(name, **arguments)
        expect("answer" in found, f"{name} {arguments}: {found}")
        return found["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def asked_by_client(client, asker, made):
    """One question as parameters, as a body and as CSV."""
    zone = clock("UTC")
    times = {name: zone.text(made[name]) for name in ("from", "to") if made[name] is not None}
    pairs = {
        "to": times.get("to"), "from_parameter": times.get("from"), "window_size": made["size"],
        "window_time_zone": made["zone"], "subject": made["subject"], "group_by": made["groupBy"] or None,
    }
    if made["filter"] and all(len(values) == 1 for values in made["filter"].values()):
        pairs["filter_group_by"] = {key: value for key, (value,) in made["filter"].items()}
    given = {name: value for name, value in pairs.items() if value is not None}
    text = client.answer("query_csv", meter_id=made["meter"], **given) if not made["advanced"] else None
    body = {"from_property": times.get("from"), "to": times.get("to"), "filter_group_by": made["filter"],
            "advanced_meter_group_by_filters": made["advanced"]}
    body |= {name: pairs[name] for name in ("window_size", "window_time_zone", "subject", "group_by")}
    answers = [client.answer("query", meter_id=made["meter"], **{n: v for n, v in body.items() if v is not None})]
    if not made["advanced"] and (not made["filter"] or "filter_group_by" in pairs):
        answers.append(client.answer("query_json", meter_id=made["meter"], **given))
        expect(text.startswith("window_start,window_end"), text[:100])
    for answer in answers:
        asker.judge(made, [
            (row["windowStart"], row["windowEnd"], row["subject"], tuple(row["groupBy"].values()), row["value"])
            for row in answer["data"]])


if SDK.exists():

    @check
    def client():
        """the package openmeter of PyPI, unchanged: lists, questions as GET, POST and CSV, tokens; changes are refused"""
        asker = place().askers[0]
        client = Client(asker.url, asker.key)
        listed = client.answer("list")
        expect([one["slug"] for one in listed] == sorted(METERS), listed)
        for one in listed:
            shown = {name: one[name] for name in ("aggregation", "eventType", "groupBy")}
            shown |= {"valueProperty": one["valueProperty"]} if "valueProperty" in one else {}
            expect(shown == METERS[one["slug"]], one)
            expect(client.answer("get", meter_id=one["id"]) == one, one)
        refused = client("create", slug="new", aggregation="COUNT", event_type="x")
        expect(refused["status"] == 501 and "catalog" in refused["body"], refused)
        expect(client("delete", meter_id="tokens")["status"] == 501, "delete")
        expect(client("get", meter_id="nothing")["status"] == 404, "get")
        expect(client.answer("list_subjects", meter_id="tokens") == [asker.organization], "subjects")
        values = client.answer(
            "list_group_by_values", meter_id="tokens", key="kind", from_parameter="2015-01-01T00:00:00Z")
        expect(values == ["", "input", "output"], values)
        chance, asked = random.Random(SEED + 1), 0
        while asked < 60:
            made = question(chance, place().now, asker.organization)
            is_listed = made["filter"] and any(len(values) > 1 for values in made["filter"].values())
            if is_aligned(made) and not is_listed:
                asked_by_client(client, asker, made)
                asked += 1
        token = client.answer("token", subject=asker.organization, allowed_meter_slugs=["prompts"])["token"]
        browser = Client(asker.url, token)
        expect(browser.answer("portal_query", meter_id="prompts")["data"][0]["subject"] == asker.organization, "portal")
        expect(client("tokens")["status"] == 501, "lists of tokens")
        browser.close()
        client.close()

else:
    print("the packages of Tests/Clients/sdks.txt are not installed: nothing is asked with OpenMeter's client")


with House(partitions=3) as house:
    Place.shared = Place(house)
    run()
