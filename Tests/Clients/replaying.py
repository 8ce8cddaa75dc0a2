"""What the checks of replays share: how one is called, and what its result must hold."""

import json

from checks import expect

PATIENCE = 300


def replay(house, *arguments, expected=0):
    """What `odometer replay … --json` says."""
    said = house.call("replay", *arguments, "--to", house.topic, "--json", expected=expected, timeout=PATIENCE)
    return json.loads(said)


def due(record):
    """When a record was due, milliseconds since 1970; None where it does not say."""
    headers = dict(record.headers() or [])
    return int(headers["odometer-due"]) / 1000 if "odometer-due" in headers else None


def consistent(result):
    """Fails where counts and percentiles do not fit together."""
    records, latency = result["records"], result["latency"]
    expect(records["sent"] == records["acknowledged"], records)
    expect(latency["send_lag"]["count"] == latency["acknowledgement"]["count"] == records["sent"], latency)
    for name, one in latency.items():
        order = [one[part] for part in ("min", "p50", "p90", "p99", "p99.9", "p99.99", "max")]
        expect(order == sorted(order), f"{name}: {order}")
    expect(sum(one["sent"] for one in result["intervals"]) == records["sent"], "sent in the intervals")
    expect(sum(one["acknowledged"] for one in result["intervals"]) == records["sent"], "acknowledged in the intervals")
