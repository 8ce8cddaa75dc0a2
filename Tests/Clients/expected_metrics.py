"""The answer of the organization metrics, computed from events as expected_answers.py does."""

import statistics
from collections import Counter

from expected_answers import Near, moment, rounded, written


def metrics(organization, start, end, projects=None):
    """What GET /organizations/{organizationId}/metrics answers for whole days."""
    return _Metrics(organization, start, end, projects).answer()


class _Metrics:
    def __init__(self, organization, start, end, projects):
        self.organization, self.start, self.end, self.projects = organization, start, end, projects

    def among(self, data):
        return self.projects is None or data.get("project", "") in self.projects

    def of(self, kind, before=False):
        length = (self.end - self.start) * before
        found = self.organization.of(kind, start=self.start - length, end=self.end - length)
        return [(time, data) for time, data in found if self.among(data)]

    def counts(self, kind, member):
        return Counter(data.get(member) or "unknown" for _, data in self.of(kind))

    def listed(self, kind, member):
        counts = self.counts(kind, member)
        return [
            {member: name, "count": counts[name]}
            for name in sorted(counts, key=lambda name: (-counts[name], name.encode()))
        ]

    def daily(self, kind, value="count", start=None, end=None):
        start, end = start or self.start, end or self.end
        return self.organization.daily([kind], start, end, value=value, where=self.among)

    def trend(self, kind):
        current, previous = len(self.of(kind)), len(self.of(kind, before=True))
        change = current - previous
        percentage = rounded(change * 100, previous, 1) if previous else None
        return {"current": current, "previous": previous, "change": change, "changePercentage": percentage}

    def trend_data(self, kind):
        begin = self.start - (self.end - self.start)
        before = self.daily(kind, "previousCount", begin, self.start)
        daily = [
            {**now, "previousCount": then["previousCount"]}
            for now, then in zip(self.daily(kind), before, strict=True)
        ]
        return {"previousPeriod": {"startDate": written(begin), "endDate": written(self.start)}, "daily": daily}

    def statuses(self):
        """(type, status) → how many of the requests created in the range stand there now."""
        found = Counter((data["type"], data["status"]) for _, data in self.of("compliance_request.created"))
        for _, data in self.organization.of("compliance_request.status_changed"):
            if self.among(data) and self.start <= moment(data["createdAt"]) < self.end:
                found[data["type"], data["from"]] -= 1
                found[data["type"], data["to"]] += 1
        return {pair: count for pair, count in found.items() if count > 0}

    def resolution(self):
        seconds = sorted(data["resolutionSeconds"] for _, data in self.of("compliance_request.resolved"))
        if not seconds:
            return {f"{name}ResolutionDays": 0 for name in ("avg", "median", "min", "max")}
        low, high = statistics.median_low(seconds), statistics.median_high(seconds)
        return {
            "avgResolutionDays": rounded(sum(seconds), len(seconds) * 86_400, 2),
            "medianResolutionDays": Near(low / 86_400, high / 86_400, relative=0.01, absolute=0.0051),
            "minResolutionDays": rounded(seconds[0], 86_400, 2),
            "maxResolutionDays": rounded(seconds[-1], 86_400, 2),
        }

    def consent(self):
        kind = "consent.recorded"
        kinds = self.counts(kind, "consent")
        categories = {}
        for _, data in self.of(kind):
            for name, choice in (data.get("categories") or {}).items():
                categories.setdefault(name, {"granted": 0, "denied": 0})[choice] += 1
        users = {data["user"] for _, data in self.of(kind) if data.get("user") is not None}
        return {
            "totalEvents": len(self.of(kind)),
            "dailyEventCounts": self.daily(kind),
            "browserCounts": self.listed(kind, "browser"),
            "osCounts": self.listed(kind, "os"),
            "geographyCounts": self.listed(kind, "country"),
            "fullConsent": kinds["full"], "partialConsent": kinds["partial"], "noConsent": kinds["none"],
            "totalUsers": Near(len(users), relative=0.02, absolute=1),
            "categoryStats": categories,
            "totalCategories": len(categories),
            "trend": self.trend(kind),
            "trendData": self.trend_data(kind),
        }

    def compliance(self):
        kind = "compliance_request.created"
        by_status, by_type = Counter(), {}
        for (request, status), count in self.statuses().items():
            by_status[status] += count
            by_type.setdefault(request, {})[status] = count
        return {
            "totalRequests": sum(self.among(data) for _, data in self.organization.of(kind)),
            "dateRangeTotal": len(self.of(kind)),
            "dailyRequestCounts": self.daily(kind),
            "geographyCounts": self.listed(kind, "country"),
            "typeStats": dict(self.counts(kind, "type")),
            "statusStats": dict(by_status),
            "statusByType": by_type,
            "resolutionMetrics": self.resolution(),
            "trend": self.trend(kind),
            "trendData": self.trend_data(kind),
        }

    def answer(self):
        kind = "session.started"
        return {
            "sessions": {
                "dailySessionCounts": self.daily(kind),
                "dateRangeTotal": len(self.of(kind)),
                "trend": self.trend(kind),
            },
            "consentEvents": self.consent(),
            "complianceRequests": self.compliance(),
        }
