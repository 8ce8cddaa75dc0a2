"""Sends events with the clients of sdks.txt, where these are installed: ingest_clients.py NAME URL KEY ORGANIZATION IDS…"""

import datetime
import sys

NOON = datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)


def cloudevents(url, key, organization, ids):
    """CloudEvents' package 1.x, one event a request."""
    import urllib.request

    from cloudevents.conversion import to_structured
    from cloudevents.http import CloudEvent

    for identity in ids:
        headers, body = to_structured(CloudEvent(
            {"id": identity, "source": "sdk-1", "type": "use", "subject": organization, "time": NOON.isoformat()}, {"n": 2}))
        request = urllib.request.Request(
            f"{url}/v1/events", body, {**headers, "Authorization": f"Bearer {key}"}, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200, answer.status


def openmeter(url, key, organization, ids):
    """OpenMeter's own client: the first event alone, the others together."""
    from openmeter import Client
    from openmeter.models import Event

    client = Client(endpoint=url, token=key)
    made = [
        Event(id=identity, source="openmeter", specversion="1.0", type="use", subject=organization, data={"n": 2}, time=NOON)
        for identity in ids
    ]
    client.events.ingest_event(made[0])
    client.events.ingest_events(made[1:])


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
