"""Asks with OpenMeter's client for Python; runs where the packages of sdks.txt are, each line of input is one call.

A call is {"do": NAME, "with": ARGUMENTS}; the answer is one line: {"answer": …} or {"status": N, "body": TEXT}.
"""

import datetime
import json
import sys

from corehttp.exceptions import HttpResponseError
from openmeter import Client
from openmeter import models

client = Client(endpoint=sys.argv[1], token=sys.argv[2])


def time_of(text):
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def plain(value):
    if isinstance(value, str) or value is None:
        return value
    return [one.as_dict() if hasattr(one, "as_dict") else one for one in value] if isinstance(
        value, list) else value.as_dict()


def times(given):
    return {**given, **{name: time_of(given[name]) for name in ("from_parameter", "to", "from_property") if name in given}}


def query(meter, **body):
    return client.meters.query(meter, models.MeterQueryRequest(**times(body)))


def create(**body):
    return client.meters.create(models.MeterCreate(**body))


def token(**body):
    return client.portal.portal_tokens.create(models.PortalToken(**body))


CALLS = {
    "list": client.meters.list, "get": client.meters.get, "create": create, "delete": client.meters.delete,
    "query_json": lambda meter, **rest: client.meters.query_json(meter, **times(rest)),
    "query_csv": lambda meter, **rest: client.meters.query_csv(meter, **times(rest)),
    "query": query, "token": token, "tokens": client.portal.portal_tokens.list,
    "list_subjects": lambda meter, **rest: client.meters.list_subjects(meter, **times(rest)),
    "list_group_by_values": lambda meter, key, **rest: client.meters.list_group_by_values(meter, key, **times(rest)),
    "portal_query": lambda meter, **rest: client.portal.portal_meters.query_json(meter, **times(rest)),
}
for line in sys.stdin:
    call = json.loads(line)
    positional = [call["with"].pop(name) for name in ("meter_id", "key") if name in call["with"]]
    try:
        answer = {"answer": plain(CALLS[call["do"]](*positional, **call["with"]))}
    except HttpResponseError as problem:
        answer = {"status": problem.response.status_code, "body": problem.response.read().decode()}
    print(json.dumps(answer), flush=True)
