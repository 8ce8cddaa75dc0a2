"""The answers of the five APIs, computed from the records of a topic with plain loops: no windows, no cells, no shards.

Only for small topics. Times are milliseconds since 1970, ranges half-open.
"""

import datetime
import json
import re
from collections import Counter, defaultdict
from fractions import Fraction

from checks import ROOT

DAY = 86_400_000
LEAST = -8_520_336_000_000  # the year 1700: no event is older
REQUIRED, KNOWN = {}, {}
for _line in (ROOT / "schemas/events/README.md").read_text().splitlines():
    if _row := re.fullmatch(r"\| `([a-z_.]+)` \| (.*) \|", _line):
        KNOWN[_row[1]] = re.findall(r"`(\w+)`", _row[2])
        REQUIRED[_row[1]] = re.findall(r"`(\w+)`!", _row[2])
INTEGERS = {"count", "bytes", "durationSeconds", "resolutionSeconds"}
VALUES = {"consent": {"full", "partial", "none"}}


class Near:
    """Equals every number that is close enough."""

    def __init__(self, low, high=None, relative=0, absolute=0):
        high = low if high is None else high
        self.low, self.high = low * (1 - relative) - absolute, high * (1 + relative) + absolute

    def __eq__(self, other):
        return isinstance(other, (int, float)) and self.low <= other <= self.high

    def __repr__(self):
        return f"{self.low} … {self.high}"


def moment(text):
    """RFC 3339 → milliseconds."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", text):
        raise ValueError(text)
    since = datetime.datetime.fromisoformat(text.upper()) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since // datetime.timedelta(milliseconds=1)


def written(time, form="%Y-%m-%dT%H:%M:%SZ"):
    """Milliseconds → text."""
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time)).strftime(form)


def rounded(numerator, denominator, digits=0):
    """A quotient, half away from zero."""
    exact = Fraction(numerator * 10**digits, denominator)
    whole = (abs(exact) + Fraction(1, 2)).__floor__() * (-1 if exact < 0 else 1)
    return whole if digits == 0 else whole / 10**digits


def _unique(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def _depth(value):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(_depth, parts), default=0)


def _envelope(record):
    headers = {name: value for name, value in record.headers() or [] if name.startswith("ce_")}
    value = record.value()
    if headers:
        whole = {name.removeprefix("ce_"): text.decode() for name, text in headers.items()}
        whole["data"] = json.loads(value.decode(), object_pairs_hook=_unique) if value else None
    else:
        whole = json.loads((value or b"").decode(), object_pairs_hook=_unique)
    if _depth(whole) > 64 or whole.get("specversion") != "1.0":
        raise ValueError("depth or version")
    if not all(isinstance(whole.get(name), str) and whole[name] for name in ("id", "source", "type", "subject")):
        raise ValueError("an attribute")
    whole["time"] = moment(whole["time"]) if whole.get("time") is not None else record.timestamp()[1]
    return whole


def _is_bad(kind, data):
    for name in KNOWN[kind]:
        value = data.get(name)
        if value is None:
            if name in REQUIRED[kind]:
                return True
        elif name in INTEGERS:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
                return True
        elif name == "categories":
            if any(choice not in ("granted", "denied") for choice in value.values()):
                return True
        elif not isinstance(value, str) or len(value.encode()) > 256 or value not in VALUES.get(name, {value}):
            return True
    return False


def read(records):
    """The accepted events by organization, each (type, time, data), and how many records had which outcome."""
    events, outcomes, seen = defaultdict(list), Counter(), set()
    for record in records:
        try:
            whole = _envelope(record)
        except (ValueError, AttributeError):
            outcomes["malformed"] += 1
            continue
        kind, time, data = whole["type"], whole["time"], whole.get("data") or {}
        identity = record.partition(), whole["subject"], whole["source"], whole["id"]
        if kind not in KNOWN:
            outcome = "ignored"
        elif _is_bad(kind, data):
            outcome = "bad_field"
        elif time > record.timestamp()[1] + 300_000:
            outcome = "future"
        elif identity in seen:
            outcome = "duplicate"
        else:
            outcome = "accepted"
            seen.add(identity)
            events[whole["subject"]].append((kind, time, data))
        outcomes[outcome] += 1
    return events, dict(outcomes)


class Organization:
    """The answers about one organization."""

    def __init__(self, identity, events, now, profiles):
        """profiles: {(kind, id): profile}, with id "" for the organization itself and its plan."""
        self.identity, self.events, self.now, self.profiles = identity, events, now, profiles
        self.tomorrow = now // DAY * DAY + DAY

    def of(self, *kinds, start=LEAST, end=1 << 62):
        """Events of these types in a range."""
        return [(time, data) for kind, time, data in self.events if kind in kinds and start <= time < end]

    def sum(self, *kinds, member="count", default=1, **bounds):
        return sum(data.get(member, default) for _, data in self.of(*kinds, **bounds))

    def level(self, thing, deleted="deleted", created="created", **member):
        return max(0, self.sum(f"{thing}.{created}", **member) - self.sum(f"{thing}.{deleted}", **member))

    def overview(self):
        profile, plan = self.profiles.get(("organization", ""), {}), self.profiles.get(("plan", ""), {})
        today = datetime.datetime.fromtimestamp(self.now / 1000, datetime.timezone.utc)
        begin = today.replace(day=profile.get("billingDay", 1), hour=0, minute=0, second=0, microsecond=0)
        if begin > today:
            begin = (begin.replace(day=1) - datetime.timedelta(days=1)).replace(day=begin.day)
        calls = len(self.of("api.request", start=int(begin.timestamp()) * 1000))
        limit = plan.get("maxApiCalls", 0)
        stored = self.level("data_points", created="ingested", member="bytes", default=0)
        last_day = (self.now // 60_000 + 1) * 60_000 - DAY
        newest = {
            kind: max((time for time, _ in self.of(kind)), default=None)
            for kind in ("data_points.ingested", "alert.triggered")
        }
        return {"overview": {
            "organization": {"_id": self.identity, "name": profile.get("name")},
            "totals": {
                "buckets": self.level("bucket"),
                "dataSources": self.level("data_source"),
                "dataPoints": self.level("data_points", created="ingested"),
                "alertRules": self.level("alert_rule"),
                "apiKeys": self.sum("api_key.created"),
            },
            "usage": {
                "apiCallsThisMonth": calls,
                "apiCallsLimit": limit,
                "apiCallsPercentage": rounded(calls * 100, limit, 1) if limit else 0,
                "storageUsedBytes": stored,
                "storageUsedFormatted": self.size(stored),
            },
            "plan": self.members(("plan", ""), ("name", "maxBuckets", "maxRetentionDays", "maxApiCalls")),
            "recentActivity": {
                "lastDataIngestion": newest["data_points.ingested"] and written(newest["data_points.ingested"]),
                "lastAlertTriggered": newest["alert.triggered"] and written(newest["alert.triggered"]),
                "dataPointsLast24h": self.sum("data_points.ingested", start=last_day),
                "alertsTriggeredLast24h": len(self.of("alert.triggered", start=last_day)),
            },
        }}

    @staticmethod
    def size(count):
        unit = 0
        while count >= 1024 ** (unit + 1):
            unit += 1
        number = f"{rounded(count, 1024**unit, 2):.2f}".rstrip("0").rstrip(".")
        return f"{number} {['B', 'KB', 'MB', 'GB', 'TB'][unit]}"

    def totals(self, start=None, end=None):
        bounds = {} if start is None else {"start": start, "end": end}
        things = {"projects": "project.created", "threads": "thread.created", "uploaded_artifacts": "artifact.uploaded"}
        answer = {
            "interactions_total": len(self.of("interaction.created", **bounds)),
            "agent_flows_total": len(self.of("agent_flow.created", **bounds)),
        }
        for name, created in things.items():
            deleted = 0 if bounds else self.sum(created.split(".")[0] + ".deleted")
            answer[f"{name}_total"] = max(0, self.sum(created, **bounds) - deleted)
        return answer

    def members(self, profile, names):
        return {name: self.profiles.get(profile, {}).get(name) for name in names}

    def ranking(self, member, start, end, limit=10):
        """The most active users or projects."""
        interactions, flows = (
            Counter(data[member] for _, data in self.of(kind, start=start, end=end) if data.get(member) is not None)
            for kind in ("interaction.created", "agent_flow.created")
        )
        order = sorted(
            interactions | flows,
            key=lambda one: (-interactions[one] - flows[one], -interactions[one], one.encode()),
        )
        names = {
            "user": ["account_id", "name", "email", "state", "roles", "created_at"],
            "project": [
                "name", "goal", "deadline", "visibility", "member_count", "default_member_role",
                "default_role_enabled", "project_context", "answer_context", "is_pinned",
            ],
        }[member]
        organization = {"org_id": self.identity} if member == "user" else {}
        return [
            {
                member: {"id": one, **organization, **self.members((member, one), names)},
                "interactions_created": interactions[one],
                "agent_flows_created": flows[one],
            }
            for one in order[:limit]
        ]

    def daily(self, kinds, start, end, value="value", count=False, where=lambda data: True):
        """One {date, value} a UTC day."""
        found = Counter()
        for time, data in self.of(*kinds, start=start, end=end):
            found[time // DAY] += (data.get("count", 1) if count else 1) if where(data) else 0
        return [
            {"date": written(day * DAY, "%Y-%m-%d"), value: found[day]} for day in range(start // DAY, end // DAY)
        ]

    def connections(self, start=LEAST, end=1 << 62, **wanted):
        """The rows of a period; wanted: service, protocol, dataCenter."""
        groups = defaultdict(list)
        for kind in ("opened", "activity", "closed"):
            for time, data in self.of(f"connection.{kind}", end=end):
                group = tuple(data[name] for name in ("service", "protocol", "dataCenter"))
                if all(data[name] == value for name, value in wanted.items()):
                    groups[group].append((kind, time, data))
        rows = []
        for group in sorted(groups, key=lambda parts: [part.encode() for part in parts]):
            inside = [one for one in groups[group] if one[1] >= start]
            before = Counter(kind for kind, time, _ in groups[group] if time < start)
            opened = [time for kind, time, _ in inside if kind == "opened"]
            closed = [data["durationSeconds"] for kind, _, data in inside if kind == "closed"]
            total = max(max(0, before["opened"] - before["closed"]) + len(opened), len(closed))
            if total == 0:
                continue
            tick = "%Y-%m-%dT%H:%M:%S.%f0Z"
            rows.append({
                "organizationId": self.identity,
                "serviceName": group[0], "protocolName": group[1], "dataCenter": group[2],
                "totalConnections": total,
                "newConnectionsInPeriod": len(opened),
                "uniqueApiKeys": Near(len({data["apiKeyId"] for _, _, data in inside}), relative=0.02, absolute=1),
                "averageConnectionDurationSeconds": rounded(sum(closed), len(closed)) if closed else 0,
                "totalConnectionTimeSeconds": sum(closed),
                "firstConnection": written(min(opened), tick) if opened else None,
                "lastConnection": written(max(opened), tick) if opened else None,
                "lastActivity": written(max(time for _, time, _ in inside), tick) if inside else None,
            })
        return rows

    def tokens(self, days):
        start = self.tomorrow - days * DAY
        return {
            "tenantId": self.identity, "days": days,
            "data": self.daily(["token.issued"], start, self.tomorrow, value="count"),
        }

    def activity(self):
        cells = Counter()
        for time, _ in self.of("token.issued", "agent.request"):
            cells[(time // DAY + 4) % 7, time // 3_600_000 % 24] += 1
        data = [{"dow": dow, "hour": hour, "count": cells[dow, hour]} for dow, hour in sorted(cells)]
        return {"tenantId": self.identity, "data": data}

    def agents(self):
        month = written(self.now, "%Y-%m")
        issued = self.of("token.issued", start=moment(f"{month}-01T00:00:00Z"))
        counts = Counter(data["agent"] for _, data in issued)
        order = sorted(counts, key=lambda agent: (-counts[agent], agent.encode()))
        data = [{"agentId": agent, "tokenCount": counts[agent]} for agent in order]
        return {"tenantId": self.identity, "month": month, "data": data}
