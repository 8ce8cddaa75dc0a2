// Written by scripts/embed from schemas/foreign; change it there, not here.
// swift-format-ignore-file

/// Formats of other producers: a catalog, a sample of records, and what these count.
enum ForeignFormats {
    static let all: [(name: String, catalog: String, sample: String, cells: String)] = [
        ("auth0", auth0, auth0Sample, auth0Cells),
        ("avro", avro, avroSample, avroCells),
        ("cloudevents", cloudevents, cloudeventsSample, cloudeventsCells),
        ("cloudevents_sdk", cloudevents_sdk, cloudevents_sdkSample, cloudevents_sdkCells),
        ("cloudflare", cloudflare, cloudflareSample, cloudflareCells),
        ("connect", connect, connectSample, connectCells),
        ("debezium", debezium, debeziumSample, debeziumCells),
        ("envoy", envoy, envoySample, envoyCells),
        ("github", github, githubSample, githubCells),
        ("kong", kong, kongSample, kongCells),
        ("lago", lago, lagoSample, lagoCells),
        ("litellm", litellm, litellmSample, litellmCells),
        ("metronome", metronome, metronomeSample, metronomeCells),
        ("nginx", nginx, nginxSample, nginxCells),
        ("openmeter", openmeter, openmeterSample, openmeterCells),
        ("orb", orb, orbSample, orbCells),
        ("otlp", otlp, otlpSample, otlpCells),
        ("protobuf", protobuf, protobufSample, protobufCells),
        ("stripe", stripe, stripeSample, stripeCells),
    ]

    static let auth0 = #"""
# Auth0's log stream, one event a record: booleans as dimensions, codes as types.
version: 1
envelope:
  id: /log_id
  source: {const: auth0}
  type: {const: log}
  subject: [/data/organization_id, /data/tenant_name, {const: tenant}]
  time: /data/date
events:
  entry:
    type: log
    fields:
      code: {at: /data/type, required: true}
      mobile: {at: /data/isMobile, is: boolean}
      client: {at: /data/client_id}
      user: {at: /data/user_id}
meters:
  logins: {kind: count, by: [code, mobile], windows: [month, all], on: [{event: entry}]}
  client_logins: {kind: count, by: [client], windows: [day], on: [{event: entry}]}
  users: {kind: distinct, of: user, windows: [all], on: [{event: entry}]}

"""#
    static let auth0Sample = #"""
{"log_id":"90020260309","data":{"date":"2026-03-09T14:15:16.123Z","type":"s","client_id":"cl-1","user_id":"auth0|1","tenant_name":"acme","isMobile":false,"connection":"db"}}
{"log_id":"90020260310","data":{"date":"2026-03-09T14:15:17.123Z","type":"f","client_id":"cl-1","user_id":"auth0|2","tenant_name":"acme","isMobile":true}}
{"log_id":"90020260311","data":{"date":"2026-03-10T00:00:00.000Z","type":"s","client_id":"cl-2","user_id":"auth0|2","tenant_name":"acme","organization_id":"org_9","isMobile":true}}
{"log_id":"90020260310","data":{"date":"2026-03-09T14:15:17.123Z","type":"f","client_id":"cl-1","user_id":"auth0|2","tenant_name":"acme","isMobile":true}}
{"log_id":"90020260312","data":{"date":"2026-03-09T14:15:18Z","type":"s","isMobile":"yes"}}
{"log_id":"90020260313","data":{"date":"today","type":"s"}}

"""#
    static let auth0Cells = #"""
{
 "cells": {
  "acme": {
   "client_logins:day:2026-03-09": {
    "cl-1": "2"
   },
   "logins:all": {
    "f:true": "1",
    "s:false": "1"
   },
   "logins:month:2026-03": {
    "f:true": "1",
    "s:false": "1"
   },
   "users:all": 2
  },
  "org_9": {
   "client_logins:day:2026-03-10": {
    "cl-2": "1"
   },
   "logins:all": {
    "s:true": "1"
   },
   "logins:month:2026-03": {
    "s:true": "1"
   },
   "users:all": 1
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let avro = #"""
# Avro as Confluent's serializers write it: a schema's id before each record, or its GUID in a header. Pointers go through
# the schema's names; moments and decimals are read by what the schema says of them. --schemas says where the schemas are:
# a registry, or a directory like schemas/foreign/schemas.
version: 1
records: {format: avro}
envelope:
  id: /call_id
  source: {const: gateway}
  type: {const: call}
  subject: /account/name
  time: /finished_at
events:
  call:
    type: call
    fields:
      method: {at: /method}
      region: {at: /labels/region}
      bytes: {at: /bytes_sent, is: integer, required: true}
      price: {at: /price, is: decimal, scale: 6}
meters:
  calls: {kind: count, by: [method, region], windows: [month, all], on: [{event: call}]}
  call_bytes: {kind: sum, windows: [day, all], on: [{event: call, amount: bytes}]}
  call_price: {kind: sum, by: [method], windows: [all], on: [{event: call, amount: price}]}

"""#
    static let avroSample = #"""
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000001", "finished_at": "2026-03-24T08:15:30.250Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 5120, "price": "0.000125", "labels": {"region": "eu", "zone": "a"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000002", "finished_at": "2026-03-24T23:59:59.999Z", "account": {"name": "acme", "parent": {"name": "holding", "parent": null}}, "method": "PUT", "bytes_sent": 77, "price": null, "labels": {}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000003", "finished_at": "2026-04-01T00:00:00Z", "account": {"name": "globex", "parent": null}, "method": "GET", "bytes_sent": 0, "price": "12.5", "labels": {"region": "us"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000001", "finished_at": "2026-03-24T08:15:30.250Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 5120, "price": "0.000125", "labels": {"region": "eu", "zone": "a"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000004", "finished_at": "2026-03-24T09:00:00Z", "account": {"name": null, "parent": null}, "method": "GET", "bytes_sent": 1, "price": null, "labels": {}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000005", "finished_at": "1971-01-01T00:00:00Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 1, "price": null, "labels": {}}
0x7b7d
0x00000000

"""#
    static let avroCells = #"""
{
 "cells": {
  "acme": {
   "call_bytes:day:2026-03": {
    "24": "5197"
   },
   "call_price:all": {
    "GET": "125"
   },
   "calls:all": {
    "GET:eu": "1",
    "PUT:unknown": "1"
   },
   "calls:month:2026-03": {
    "GET:eu": "1",
    "PUT:unknown": "1"
   },
   "totals": {
    "call_bytes": "5197"
   }
  },
  "globex": {
   "call_price:all": {
    "GET": "12500000"
   },
   "calls:all": {
    "GET:us": "1"
   },
   "calls:month:2026-04": {
    "GET:us": "1"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 3
 }
}

"""#

    static let cloudevents = #"""
# CloudEvents 1.0 in batches: records with the header content-type: application/cloudevents-batch+json, whose value is an array of
# events. Other records of the topic may be single events, structured or binary. Nothing of it need be said: without an envelope,
# or with one that does not move id, source, type, subject or time, events are CloudEvents.
# Without that header, `envelope: {each: array}` says that every record is such an array.
version: 1
events:
  llm.call:
    fields:
      model: {at: /data/model}
      tokens: {at: /data/tokens, is: integer, required: true}
meters:
  llm_calls: {kind: count, windows: [day, all], on: [{event: llm.call}]}
  llm_tokens: {kind: sum, by: [model], windows: [month, all], on: [{event: llm.call, amount: tokens}]}

"""#
    static let cloudeventsSample = #"""
[{"specversion":"1.0","id":"1","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":120}},{"specversion":"1.0","id":"2","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"small","tokens":7}},{"specversion":"1.0","id":"3","source":"/gateway/1","type":"llm.call","subject":"globex","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":40}},{"specversion":"1.0","id":"1","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":120}},{"specversion":"1.0","id":"4","source":"/gateway/1","type":"llm.ping","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1}}]
[]
[{"specversion":"1.0","id":"1","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":120}},{"specversion":"1.0","id":"5","source":"/gateway/1","type":"llm.call","subject":"globex","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"small","tokens":2}},{"specversion":"1.0","id":"1","source":"/gateway/2","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":5}}]
[{"specversion":"1.0","id":"6","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1000}},{"specversion":"1.0","id":"7","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":"1000"}},{"specversion":"1.0","id":"8","source":"/gateway/1","type":"llm.call","subject":"globex","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1000}}]
[{"specversion":"1.0","id":"6","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1000}},{"specversion":"1.0","id":"9","source":"/gateway/1","type":"llm.call","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1}}]
[{"specversion":"1.0","id":"6","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-10T00:00:00+01:00","datacontenttype":"application/json","data":{"model":"large","tokens":11}}]
{"specversion":"1.0","id":"10","source":"/gateway/1","type":"llm.call","subject":"acme","time":"2026-03-09T14:15:16Z","datacontenttype":"application/json","data":{"model":"large","tokens":1}}

"""#
    static let cloudeventsCells = #"""
{
 "cells": {
  "acme": {
   "llm_calls:day:2026-03": {
    "09": "4"
   },
   "llm_tokens:all": {
    "large": "136",
    "small": "7"
   },
   "llm_tokens:month:2026-03": {
    "large": "136",
    "small": "7"
   },
   "totals": {
    "llm_calls": "4"
   }
  },
  "globex": {
   "llm_calls:day:2026-03": {
    "09": "2"
   },
   "llm_tokens:all": {
    "large": "40",
    "small": "2"
   },
   "llm_tokens:month:2026-03": {
    "large": "40",
    "small": "2"
   },
   "totals": {
    "llm_calls": "2"
   }
  }
 },
 "outcomes": {
  "accepted": 6,
  "bad_field": 1,
  "duplicate": 2,
  "ignored": 2,
  "malformed": 2
 }
}

"""#

    static let cloudevents_sdk = #"""
# CloudEvents as its package for Python (1.13 and 2.2) and OpenMeter's client send them: nothing needs to be said of the envelope.
# Data is an object, or the same bytes in base64; a string in data is no object.
version: 1
events:
  prompt:
    fields:
      tokens: {at: /data/tokens, is: integer, required: true}
      model: {at: /data/model}
meters:
  prompts: {kind: count, windows: [day, all], on: [{event: prompt}]}
  prompt_tokens: {kind: sum, by: [model], windows: [month, all], on: [{event: prompt, amount: tokens}]}

"""#
    static let cloudevents_sdkSample = #"""
{"id": "a1", "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "specversion": "1.0", "data": {"tokens": 12, "model": "gr\u00f6\u00dfer"}}
{"id": "a2", "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "specversion": "1.0", "data_base64": "eyJ0b2tlbnMiOiAzMCwgIm1vZGVsIjogInNtYWxsIn0="}
{"id": "a3", "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "partitionkey": "customer-1", "specversion": "1.0", "data": {"tokens": 5}}
{"id": "a4", "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "specversion": "1.0", "data": "{\"tokens\": 5}"}
{"id": "a5", "source": "/shop", "type": "prompt", "subject": "customer-1", "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "specversion": "1.0", "data": {"tokens": NaN}}
{"id": "a6", "source": "/shop", "type": "prompt", "subject": null, "time": "2026-03-09T14:15:16.25+00:00", "datacontenttype": "application/json", "specversion": "1.0", "data": {"tokens": 5}}
{"id": "b1", "source": "my-app", "specversion": "1.0", "type": "prompt", "subject": "customer-1", "data": {"tokens": 123, "model": "small"}, "time": "2026-03-09T14:15:16Z"}
{"id": "b2", "source": "my-app", "specversion": "1.0", "type": "prompt", "subject": "customer-1", "data": {"tokens": 7.0, "model": "small"}, "time": "2026-03-09T14:15:16.250000Z"}
{"id": "b3", "source": "my-app", "specversion": "1.0", "type": "prompt", "subject": "customer-1", "data": {"tokens": 1.5, "model": "small"}, "time": "2026-03-09T14:15:16Z"}
{"id": "b4", "source": "my-app", "specversion": "1.0", "type": "prompt", "subject": "customer-1", "data": "eyJ0b2tlbnMiOiA3fQ==", "time": "2026-03-09T14:15:16Z"}
{"id": "c1", "source": "/shop", "type": "prompt", "specversion": "1.0", "time": "2026-03-09T02:15:16+05:30", "subject": "customer 2", "retried": true, "count": 3, "data": {"tokens": 1}}
{"id": "c2", "source": "/shop", "type": "prompt", "specversion": "1.0", "time": "2026-03-09T14:15:16Z", "subject": "customer 2", "datacontenttype": "application/json", "data_base64": "eyJ0b2tlbnMiOiA4fQ=="}
{"id": "c2", "source": "/shop", "type": "prompt", "specversion": "1.0", "time": "2026-03-09T14:15:16Z", "subject": "customer 2", "datacontenttype": "application/json", "data_base64": "eyJ0b2tlbnMiOiA4fQ=="}
{"id": "c3", "source": "/shop", "type": "prompt", "specversion": "1.0", "time": "2026-03-09T14:15:16Z", "data": {"tokens": 1}}
{"id": "c4", "source": "/shop", "type": "prompt", "specversion": "1.0", "time": "2026-03-09T14:15:16Z", "subject": "customer 2"}

"""#
    static let cloudevents_sdkCells = #"""
{
 "cells": {
  "customer 2": {
   "prompt_tokens:all": {
    "unknown": "9"
   },
   "prompt_tokens:month:2026-03": {
    "unknown": "9"
   },
   "prompts:day:2026-03": {
    "08": "1",
    "09": "1"
   },
   "totals": {
    "prompts": "2"
   }
  },
  "customer-1": {
   "prompt_tokens:all": {
    "gr\u00f6\u00dfer": "12",
    "small": "160",
    "unknown": "5"
   },
   "prompt_tokens:month:2026-03": {
    "gr\u00f6\u00dfer": "12",
    "small": "160",
    "unknown": "5"
   },
   "prompts:day:2026-03": {
    "09": "5"
   },
   "totals": {
    "prompts": "5"
   }
  }
 },
 "outcomes": {
  "accepted": 7,
  "bad_field": 4,
  "duplicate": 1,
  "malformed": 3
 }
}

"""#

    static let cloudflare = #"""
# Cloudflare Logpush, data set http_requests, as it comes in batches: a record has many lines and each line is one request.
# Times are nanoseconds (jobs made by the API), RFC 3339 or seconds. Each host is an organization.
version: 1
envelope:
  each: lines
  id: /RayID
  source: {const: cloudflare}
  type: {const: edge.request}
  subject: /ClientRequestHost
  time: {at: /EdgeStartTimestamp, format: [unix-ns, rfc3339, unix]}
events:
  request:
    type: edge.request
    fields:
      status: {at: /EdgeResponseStatus, from: any}
      cache: {at: /CacheCacheStatus}
      country: {at: /ClientCountry}
      bytes: {at: /EdgeResponseBytes, is: integer, required: true}
meters:
  edge_requests: {kind: count, by: [cache, status], windows: [month, all], on: [{event: request}]}
  edge_bytes: {kind: sum, per: [organization, country], windows: [day, all], on: [{event: request, amount: bytes}]}

"""#
    static let cloudflareSample = #"""
{"RayID":"8c1a","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":15320,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c1b","EdgeStartTimestamp":"2026-03-09T14:15:16Z","EdgeResponseStatus":403,"EdgeResponseBytes":811,"ClientRequestHost":"acme.example","CacheCacheStatus":"dynamic","ClientCountry":"us"}
{"RayID":"8c1c","EdgeStartTimestamp":1773152116,"EdgeResponseStatus":200,"EdgeResponseBytes":1,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c20","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":40,"ClientRequestHost":"other.example","CacheCacheStatus":"hit","ClientCountry":"de"}

{"RayID":"8c1a","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":15320,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c21","EdgeStartTimestamp":1773152116,"EdgeResponseStatus":200,"EdgeResponseBytes":9,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}

{"RayID":"8c22","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":7,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c1d","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":"15320","ClientRequestHost":"acme.example"}

{"RayID":"8c23","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":7,"ClientRequestHost":"other.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c1e","EdgeStartTimestamp":1773065716,"EdgeResponseStatus":200,"EdgeResponseBytes":5,"ClientRequestHost":"","CacheCacheStatus":"hit","ClientCountry":"de"}

{"RayID":"8c24","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":7,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}
{"RayID":"8c25","EdgeStart

{"RayID":"8c22","EdgeStartTimestamp":1773065716123456789,"EdgeResponseStatus":200,"EdgeResponseBytes":7,"ClientRequestHost":"acme.example","CacheCacheStatus":"hit","ClientCountry":"de"}

"""#
    static let cloudflareCells = #"""
{
 "cells": {
  "acme.example": {
   "country=de:edge_bytes:day:2026-03": {
    "09": "15327",
    "10": "10"
   },
   "country=de:totals": {
    "edge_bytes": "15337"
   },
   "country=us:edge_bytes:day:2026-03": {
    "09": "811"
   },
   "country=us:totals": {
    "edge_bytes": "811"
   },
   "edge_bytes:day:2026-03": {
    "09": "16138",
    "10": "10"
   },
   "edge_requests:all": {
    "dynamic:403": "1",
    "hit:200": "4"
   },
   "edge_requests:month:2026-03": {
    "dynamic:403": "1",
    "hit:200": "4"
   },
   "totals": {
    "edge_bytes": "16148"
   }
  },
  "other.example": {
   "country=de:edge_bytes:day:2026-03": {
    "09": "40"
   },
   "country=de:totals": {
    "edge_bytes": "40"
   },
   "edge_bytes:day:2026-03": {
    "09": "40"
   },
   "edge_requests:all": {
    "hit:200": "1"
   },
   "edge_requests:month:2026-03": {
    "hit:200": "1"
   },
   "totals": {
    "edge_bytes": "40"
   }
  }
 },
 "outcomes": {
  "accepted": 6,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 2
 }
}

"""#

    static let connect = #"""
# Rows that a Kafka Connect source writes with its JsonConverter, with a schema: ids that are 64-bit numbers, decimals as numbers
# (decimal.format=NUMERIC), times as milliseconds. Each row counts once, when it is inserted.
version: 1
envelope:
  id: {at: /payload/order_id, from: any}
  source: {const: connect}
  type: {const: order.row}
  subject: {at: /payload/org_id, from: any}
  time: {at: /payload/created_at, format: unix-ms}
events:
  order:
    type: order.row
    fields:
      amount: {at: /payload/amount, is: decimal, scale: 2, required: true}
      currency: {at: /payload/currency}
meters:
  orders: {kind: count, windows: [day, all], on: [{event: order}]}
  turnover: {kind: sum, by: [currency], signed: true, windows: [month, all], on: [{event: order, amount: amount}]}

"""#
    static let connectSample = #"""
{"schema":{"type":"struct","optional":false},"payload":{"order_id":9007199254740993,"org_id":7,"amount":12.50,"currency":"EUR","created_at":1773065716123}}
{"schema":{"type":"struct","optional":false},"payload":{"order_id":9007199254740992,"org_id":7,"amount":0.1,"currency":"EUR","created_at":1773065716124}}
{"schema":{"type":"struct","optional":false},"payload":{"order_id":3,"org_id":-1,"amount":-5,"currency":null,"created_at":1773152116124}}
{"schema":{"type":"struct","optional":false},"payload":{"order_id":9007199254740993,"org_id":7,"amount":12.50,"currency":"EUR","created_at":1773065716123}}
{"schema":{"type":"struct","optional":false},"payload":{"order_id":5,"org_id":7,"amount":"BMQ=","currency":"EUR","created_at":1773065716123}}
{"schema":{"type":"struct","optional":false},"payload":{"order_id":6,"org_id":7,"amount":0.001,"currency":"EUR","created_at":1773065716123}}
{"schema":{"type":"struct","optional":false},"payload":null}

"""#
    static let connectCells = #"""
{
 "cells": {
  "-1": {
   "orders:day:2026-03": {
    "10": "1"
   },
   "totals": {
    "orders": "1"
   },
   "turnover:all": {
    "unknown": "-500"
   },
   "turnover:month:2026-03": {
    "unknown": "-500"
   }
  },
  "7": {
   "orders:day:2026-03": {
    "09": "2"
   },
   "totals": {
    "orders": "2"
   },
   "turnover:all": {
    "EUR": "1260"
   },
   "turnover:month:2026-03": {
    "EUR": "1260"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 2,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let debezium = #"""
# Debezium's change events, flat or with a schema: a row counts while it is there. Creates and snapshots add, updates take away what
# was before and add what is after, deletes take away; the null values that follow deletes are ignored. The place in the log is
# the identity, because a snapshot gives all its rows one position; a change that the connector writes again after a restart counts
# again. PostgreSQL needs REPLICA IDENTITY FULL: without it nothing says what an update or delete takes away, and turnover is too
# high. The connector needs decimal.handling.mode=string: its default, base64, cannot be read. A record has one subject: an update
# that moves a row to another organization takes the old amount from the new one, so org_id must not change.
version: 1
envelope:
  id: {record: true}
  source: {const: debezium}
  type: {const: row}
  subject: {at: [/after/org_id, /before/org_id, /payload/after/org_id, /payload/before/org_id], from: any}
  time: {at: [/ts_ms, /payload/ts_ms], format: unix-ms}
  tombstones: ignore
events:
  row:
    fields:
      op: {at: [/op, /payload/op], required: true}
      after: {at: [/after/amount, /payload/after/amount], is: decimal, scale: 2, from: text}
      before: {at: [/before/amount, /payload/before/amount], is: decimal, scale: 2, from: text}
      currency: {at: [/after/currency, /payload/after/currency]}
      currency_before: {at: [/before/currency, /payload/before/currency]}
meters:
  orders:
    kind: level
    windows: [all]
    on: [{event: row, when: {field: op, in: [c, r, d]}, sign: {field: op, minus: [d]}}]
  turnover:
    kind: level
    by: [currency]
    windows: [all]
    on:
      - {event: row, amount: after, when: {field: op, in: [c, r, u]}}
      - {event: row, amount: -before, with: {currency: currency_before}, when: {field: op, in: [u, d]}}
  changes: {kind: count, by: [op], windows: [month, all], on: [{event: row}]}

"""#
    static let debeziumSample = #"""
{"before":null,"after":{"id":1001,"org_id":7,"amount":"12.50","currency":"EUR"},"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"r","ts_ms":1773065716123}
{"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":1002,"org_id":7,"amount":3,"currency":"EUR"},"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"c","ts_ms":1773065716124}}
{"before":{"id":1001,"org_id":7,"amount":"12.50","currency":"EUR"},"after":{"id":1001,"org_id":7,"amount":"20.00","currency":"USD"},"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"u","ts_ms":1773065716125}
{"schema":{"type":"struct"},"payload":{"before":{"id":1002,"org_id":7,"amount":3,"currency":"EUR"},"after":null,"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"d","ts_ms":1773065716126}}

{"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":9007199254740993,"org_id":-1,"amount":"0.1","currency":"EUR"},"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"c","ts_ms":1773065716128}}
{"before":null,"after":{"id":5,"org_id":7,"amount":"x","currency":"EUR"},"source":{"connector":"postgresql","snapshot":"false","lsn":24023128},"op":"c","ts_ms":1773065716129}
{"before":null,"after":null,"op":"t","ts_ms":1773065716999}

"""#
    static let debeziumCells = #"""
{
 "cells": {
  "-1": {
   "changes:all": {
    "c": "1"
   },
   "changes:month:2026-03": {
    "c": "1"
   },
   "totals": {
    "orders": "1"
   },
   "turnover:all": {
    "EUR": "10"
   }
  },
  "7": {
   "changes:all": {
    "c": "1",
    "d": "1",
    "r": "1",
    "u": "1"
   },
   "changes:month:2026-03": {
    "c": "1",
    "d": "1",
    "r": "1",
    "u": "1"
   },
   "totals": {
    "orders": "1"
   },
   "turnover:all": {
    "USD": "2000"
   }
  }
 },
 "outcomes": {
  "accepted": 5,
  "bad_field": 1,
  "ignored": 1,
  "malformed": 1
 }
}

"""#

    static let envoy = #"""
# Envoy's access log as JSON, with the request header that names a tenant written as `tenant`: json_format {start_time:
# "%START_TIME%", request_id: "%REQ(X-REQUEST-ID)%", tenant: "%REQ(X-TENANT)%", response_code: "%RESPONSE_CODE%", …}.
# What a request lacks is null there, and its record is malformed where that is the request's id or the tenant.
version: 1
envelope:
  id: /request_id
  source: {const: envoy}
  type: {const: http.request}
  subject: /tenant
  time: /start_time
events:
  request:
    type: http.request
    fields:
      status: {at: /response_code, from: any}
      method: {at: /method, otherwise: unknown, values: [GET, POST, PUT, PATCH, DELETE]}
      sent: {at: /bytes_sent, is: integer, from: text, required: true}
      received: {at: /bytes_received, is: integer, from: text, default: 0}
meters:
  requests: {kind: count, by: [method, status], windows: [month, all], on: [{event: request}]}
  bytes_sent: {kind: sum, windows: [day, all], on: [{event: request, amount: sent}]}
  bytes_received: {kind: sum, windows: [all], on: [{event: request, amount: received}]}

"""#
    static let envoySample = #"""
{"start_time":"2026-03-09T14:15:16.123Z","request_id":"e7a1","tenant":"acme","method":"GET","path":"/v1/items","response_code":200,"bytes_sent":5120,"bytes_received":0,"duration":12}
{"start_time":"2026-03-09T14:15:17.001Z","request_id":"e7a2","tenant":"acme","method":"POST","path":"/v1/items","response_code":503,"bytes_sent":91,"bytes_received":4096,"duration":3}
{"start_time":"2026-03-10T00:00:00.000Z","request_id":"e7a3","tenant":"globex","method":"PROPFIND","path":"/","response_code":0,"bytes_sent":"0","bytes_received":"17","duration":0}
{"start_time":"2026-03-09T14:15:17.001Z","request_id":"e7a2","tenant":"acme","method":"POST","path":"/v1/items","response_code":503,"bytes_sent":91,"bytes_received":4096,"duration":3}
{"start_time":"2026-03-09T14:15:18.500Z","request_id":null,"tenant":"acme","method":"GET","response_code":200,"bytes_sent":1}
{"start_time":"2026-03-09T14:15:18.500Z","request_id":"e7a4","tenant":"acme","method":"GET","response_code":200,"bytes_sent":"-"}

"""#
    static let envoyCells = #"""
{
 "cells": {
  "acme": {
   "bytes_sent:day:2026-03": {
    "09": "5211"
   },
   "requests:all": {
    "GET:200": "1",
    "POST:503": "1"
   },
   "requests:month:2026-03": {
    "GET:200": "1",
    "POST:503": "1"
   },
   "totals": {
    "bytes_received": "4096",
    "bytes_sent": "5211"
   }
  },
  "globex": {
   "requests:all": {
    "unknown:0": "1"
   },
   "requests:month:2026-03": {
    "unknown:0": "1"
   },
   "totals": {
    "bytes_received": "17"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let github = #"""
# GitHub's audit log stream, one event a record: ids that are numbers, an org that is a text or a list, milliseconds.
version: 1
envelope:
  id: /_document_id
  source: {const: github}
  type: {const: audit}
  subject: [/org/0, /org, /business]
  time: {at: ["/@timestamp", /created_at], format: unix-ms}
events:
  entry:
    type: audit
    fields:
      action: {at: /action, required: true}
      actor: {at: [/actor_id, /actor], from: any}
      transport: {at: /transport_protocol_name}
      repository: {at: /repo, otherwise: unknown}
meters:
  actions: {kind: count, by: [action, transport], windows: [month, all], on: [{event: entry}]}
  actor_actions: {kind: count, by: [actor], windows: [all], on: [{event: entry}]}
  last_action: {kind: extreme, keep: last, value: action, windows: [all], on: [{event: entry}]}

"""#
    static let githubSample = #"""
{"@timestamp":1773065716123,"_document_id":"d1","action":"git.clone","actor":"hubot","actor_id":583231,"org":"acme","org_id":7,"repo":"acme/site","transport_protocol_name":"ssh"}
{"@timestamp":1773065717123,"_document_id":"d2","action":"git.push","actor":"hubot","actor_id":583231,"org":["acme","globex"],"org_id":[7,8],"repo":["acme/site"],"transport_protocol_name":"http"}
{"created_at":1773152117123,"_document_id":"d3","action":"org.add_member","actor":"mona","org":null,"business":"big-corp"}
{"@timestamp":1773065717123,"_document_id":"d2","action":"git.push","actor":"hubot","actor_id":583231,"org":["acme","globex"],"org_id":[7,8],"repo":["acme/site"],"transport_protocol_name":"http"}
{"@timestamp":1773065718,"_document_id":"d4","action":"git.push","actor":"hubot","org":"acme"}
{"@timestamp":1773065718000,"_document_id":"d5","actor":"hubot","org":"acme"}

"""#
    static let githubCells = #"""
{
 "cells": {
  "acme": {
   "actions:all": {
    "git.clone:ssh": "1",
    "git.push:http": "1"
   },
   "actions:month:2026-03": {
    "git.clone:ssh": "1",
    "git.push:http": "1"
   },
   "actor_actions:all": {
    "583231": "2"
   },
   "totals": {
    "last_action": "10996437753977775808:git.push"
   }
  },
  "big-corp": {
   "actions:all": {
    "org.add_member:unknown": "1"
   },
   "actions:month:2026-03": {
    "org.add_member:unknown": "1"
   },
   "actor_actions:all": {
    "mona": "1"
   },
   "totals": {
    "last_action": "10996524153977775808:org.add_member"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 2,
  "duplicate": 1
 }
}

"""#

    static let kong = #"""
# Kong's log plugins (http-log, kafka-log, file-log): milliseconds since 1970, sizes as strings or numbers, requests of nobody
# without a consumer. A request whose answer has no size counts, and adds no bytes.
# The id of a request is there since Kong 3.5; before, log the header of the correlation-id plugin.
version: 1
envelope:
  id: /request/id
  source: {const: kong}
  type: {const: api.request}
  subject: [/consumer/custom_id, /consumer/username, /consumer/id, {const: anonymous}]
  time: {at: /started_at, format: unix-ms}
events:
  request:
    type: api.request
    fields:
      status: {at: /response/status, from: any}
      service: {at: /service/name}
      sent: {at: /response/size, is: integer, from: text}
      milliseconds: {at: /latencies/request, is: integer}
meters:
  api_requests: {kind: count, by: [service, status], windows: [month, all], on: [{event: request}]}
  api_bytes: {kind: sum, windows: [day, all], on: [{event: request, amount: sent}]}
  api_slowest: {kind: extreme, keep: max, value: milliseconds, windows: [all], on: [{event: request}]}

"""#
    static let kongSample = #"""
{"request":{"id":"b1f0","method":"GET","uri":"/orders","size":"166"},"response":{"status":200,"size":"934"},"latencies":{"request":515,"kong":58,"proxy":457},"service":{"name":"orders"},"consumer":{"id":"c-1","username":"acme"},"started_at":1773065716123}
{"request":{"id":"b1f1","method":"GET","uri":"/orders","size":166},"response":{"status":404,"size":57},"latencies":{"request":9,"kong":8,"proxy":1},"service":{"name":"orders"},"consumer":{"id":"c-1","username":null},"started_at":1773065716999}
{"request":{"id":"b1f2","method":"GET","uri":"/","size":"80"},"response":{"status":200,"size":"12"},"latencies":{"request":3,"kong":3,"proxy":-1},"started_at":1773152116000}
{"request":{"id":"b1f2","method":"GET","uri":"/","size":"80"},"response":{"status":200,"size":"12"},"latencies":{"request":3,"kong":3,"proxy":-1},"started_at":1773152116000}
{"request":{"id":"b1f3","method":"GET","uri":"/","size":"80"},"response":{"status":200},"started_at":1773152116000}
{"request":{"id":"b1f4","method":"GET","uri":"/","size":"80"},"response":{"status":200,"size":"1"},"started_at":1773152116}

"""#
    static let kongCells = #"""
{
 "cells": {
  "acme": {
   "api_bytes:day:2026-03": {
    "09": "934"
   },
   "api_requests:all": {
    "orders:200": "1"
   },
   "api_requests:month:2026-03": {
    "orders:200": "1"
   },
   "totals": {
    "api_bytes": "934",
    "api_slowest": "09223372036854776323"
   }
  },
  "anonymous": {
   "api_bytes:day:2026-03": {
    "10": "12"
   },
   "api_requests:all": {
    "unknown:200": "2"
   },
   "api_requests:month:2026-03": {
    "unknown:200": "2"
   },
   "totals": {
    "api_bytes": "12",
    "api_slowest": "09223372036854775811"
   }
  },
  "c-1": {
   "api_bytes:day:2026-03": {
    "09": "57"
   },
   "api_requests:all": {
    "orders:404": "1"
   },
   "api_requests:month:2026-03": {
    "orders:404": "1"
   },
   "totals": {
    "api_bytes": "57",
    "api_slowest": "09223372036854775817"
   }
  }
 },
 "outcomes": {
  "accepted": 4,
  "bad_field": 1,
  "duplicate": 1
 }
}

"""#

    static let lago = #"""
# Lago events, one a record, as its clients send them: timestamps (seconds since 1970, with or without a fraction) and cents are
# strings, properties what the caller gave; an event without a time, or with null, has that of its record.
version: 1
envelope:
  id: /event/transaction_id
  source: {const: lago}
  type: /event/code
  subject: [/event/external_subscription_id, /event/external_customer_id]
  time: {at: /event/timestamp, format: unix}
events:
  storage:
    fields:
      gigabytes: {at: /event/properties/gb, is: decimal, scale: 3, round: half_even, from: text, required: true}
      region: {at: /event/properties/region}
      cents: {at: /event/precise_total_amount_cents, is: decimal, scale: 6, round: half_even, from: text}
meters:
  storage_events: {kind: count, windows: [day, all], on: [{event: storage}]}
  storage_gigabytes: {kind: sum, by: [region], windows: [month, all], on: [{event: storage, amount: gigabytes}]}
  storage_cents: {kind: sum, windows: [all], on: [{event: storage, amount: cents}]}

"""#
    static let lagoSample = #"""
{"event":{"transaction_id":"t-1","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065716","precise_total_amount_cents":"1234.56","properties":{"gb":"1.5","region":"eu"}}}
{"event":{"transaction_id":"t-2","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065716.987","precise_total_amount_cents":"1E-12","properties":{"gb":"0.0005","region":"eu"}}}
{"event":{"transaction_id":"t-6","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065716","precise_total_amount_cents":null,"properties":{"gb":0.001,"region":null}}}
{"event":{"transaction_id":"t-3","external_subscription_id":null,"external_customer_id":"cust-9","code":"storage","timestamp":1773152116.25,"precise_total_amount_cents":null,"properties":{"gb":2,"region":null}}}
{"event":{"transaction_id":"t-3","external_subscription_id":null,"external_customer_id":"cust-9","code":"storage","timestamp":1773152116.25,"precise_total_amount_cents":null,"properties":{"gb":2,"region":null}}}
{"event":{"transaction_id":"t-4","external_subscription_id":"sub-1","code":"storage","timestamp":"yesterday","precise_total_amount_cents":null,"properties":{"gb":"1"}}}
{"event":{"transaction_id":"t-5","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065716","precise_total_amount_cents":null,"properties":{}}}
{"event":{"transaction_id":"t-7","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065716","precise_total_amount_cents":null,"properties":{"gb":true}}}
{"event":{"transaction_id":"t-9","external_subscription_id":"sub-1","code":"storage","timestamp":"1773065717","precise_total_amount_cents":"98765432.1","properties":{"gb":1,"region":"eu"}}}

"""#
    static let lagoCells = #"""
{
 "cells": {
  "cust-9": {
   "storage_events:day:2026-03": {
    "10": "1"
   },
   "storage_gigabytes:all": {
    "unknown": "2000"
   },
   "storage_gigabytes:month:2026-03": {
    "unknown": "2000"
   },
   "totals": {
    "storage_events": "1"
   }
  },
  "sub-1": {
   "storage_events:day:2026-03": {
    "09": "4"
   },
   "storage_gigabytes:all": {
    "eu": "2500",
    "unknown": "1"
   },
   "storage_gigabytes:month:2026-03": {
    "eu": "2500",
    "unknown": "1"
   },
   "totals": {
    "storage_cents": "98766666660000",
    "storage_events": "4"
   }
  }
 },
 "outcomes": {
  "accepted": 5,
  "bad_field": 2,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let litellm = #"""
# LiteLLM's standard logging payload: seconds with a fraction, costs such as 3.15e-05, a team or else a user, cache_hit that is
# true, false or null.
version: 1
envelope:
  id: /id
  source: {const: litellm}
  type: {const: llm.call}
  subject: [/metadata/user_api_key_team_id, /metadata/user_api_key_user_id, {const: none}]
  time: {at: /endTime, format: unix}
events:
  call:
    type: llm.call
    fields:
      cost: {at: /response_cost, is: decimal, scale: 12, round: half_even, default: 0}
      tokens: {at: /total_tokens, is: integer, default: 0}
      model: {at: /model}
      provider: {at: /custom_llm_provider}
      cache_hit: {at: /cache_hit, is: boolean, otherwise: unknown}
meters:
  llm_calls: {kind: count, by: [cache_hit], windows: [month, all], on: [{event: call}]}
  llm_tokens: {kind: sum, windows: [day, all], on: [{event: call, amount: tokens}]}
  llm_cost: {kind: sum, by: [provider, model], windows: [month, all], on: [{event: call, amount: cost}]}

"""#
    static let litellmSample = #"""
{"id":"chatcmpl-1","call_type":"acompletion","response_cost":3.15e-05,"status":"success","total_tokens":30,"startTime":1773065715.1234567,"endTime":1773065716.2234567,"model":"small-1","custom_llm_provider":"openai","cache_hit":false,"metadata":{"user_api_key_team_id":"team-a","user_api_key_user_id":"u1"}}
{"id":"chatcmpl-2","call_type":"acompletion","response_cost":0.1,"status":"success","total_tokens":1200,"startTime":1773065717.5,"endTime":1773065719.25,"model":"large-1","custom_llm_provider":"anthropic","cache_hit":null,"metadata":{"user_api_key_team_id":"team-a","user_api_key_user_id":"u1"}}
{"id":"chatcmpl-3","call_type":"acompletion","response_cost":0.2,"status":"success","total_tokens":2400,"startTime":1773065717.5,"endTime":1773065720,"model":"large-1","custom_llm_provider":"anthropic","cache_hit":true,"metadata":{"user_api_key_team_id":"team-a","user_api_key_user_id":"u1"}}
{"id":"chatcmpl-4","call_type":"acompletion","response_cost":null,"status":"failure","total_tokens":0,"startTime":1773065717.5,"endTime":1773152120.75,"model":"large-1","custom_llm_provider":"anthropic","cache_hit":"","metadata":{"user_api_key_team_id":null,"user_api_key_user_id":"u2"}}
{"id":"chatcmpl-5","call_type":"acompletion","response_cost":1e-13,"status":"success","total_tokens":5,"endTime":1773152120.75,"model":"large-1","custom_llm_provider":"anthropic","metadata":{"user_api_key_team_id":null,"user_api_key_user_id":null}}
{"id":"chatcmpl-3","call_type":"acompletion","response_cost":0.2,"status":"success","total_tokens":2400,"startTime":1773065717.5,"endTime":1773065720,"model":"large-1","custom_llm_provider":"anthropic","cache_hit":true,"metadata":{"user_api_key_team_id":"team-a","user_api_key_user_id":"u1"}}
{"id":"chatcmpl-6","response_cost":0.2,"total_tokens":2.5,"endTime":1773065720,"metadata":{"user_api_key_team_id":"team-a"}}
{"id":"chatcmpl-7","response_cost":0.2,"total_tokens":2,"endTime":"2026-03-09 14:15:16","metadata":{"user_api_key_team_id":"team-a"}}

"""#
    static let litellmCells = #"""
{
 "cells": {
  "none": {
   "llm_calls:all": {
    "unknown": "1"
   },
   "llm_calls:month:2026-03": {
    "unknown": "1"
   },
   "llm_tokens:day:2026-03": {
    "10": "5"
   },
   "totals": {
    "llm_tokens": "5"
   }
  },
  "team-a": {
   "llm_calls:all": {
    "false": "1",
    "true": "1",
    "unknown": "1"
   },
   "llm_calls:month:2026-03": {
    "false": "1",
    "true": "1",
    "unknown": "1"
   },
   "llm_cost:all": {
    "anthropic:large-1": "300000000000",
    "openai:small-1": "31500000"
   },
   "llm_cost:month:2026-03": {
    "anthropic:large-1": "300000000000",
    "openai:small-1": "31500000"
   },
   "llm_tokens:day:2026-03": {
    "09": "3630"
   },
   "totals": {
    "llm_tokens": "3630"
   }
  },
  "u2": {
   "llm_calls:all": {
    "unknown": "1"
   },
   "llm_calls:month:2026-03": {
    "unknown": "1"
   }
  }
 },
 "outcomes": {
  "accepted": 5,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let metronome = #"""
# Metronome events, one a record: its clients send lists of up to 100. Times come with and without a zone (then UTC); amounts are
# numbers or strings.
version: 1
envelope:
  id: /transaction_id
  source: {const: metronome}
  type: /event_type
  subject: /customer_id
  time: {at: /timestamp, format: iso8601, zone: UTC}
events:
  compute:
    fields:
      seconds: {at: /properties/cpu_seconds, is: decimal, scale: 6, round: half_even, from: text, required: true}
      region: {at: /properties/region}
meters:
  compute_runs: {kind: count, windows: [day, all], on: [{event: compute}]}
  compute_seconds: {kind: sum, by: [region], windows: [month, all], on: [{event: compute, amount: seconds}]}

"""#
    static let metronomeSample = #"""
{"transaction_id":"x1","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T14:15:16+00:00","properties":{"cpu_seconds":0.25,"region":"eu"}}
{"transaction_id":"x2","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T14:15:16.250000+00:00","properties":{"cpu_seconds":"12.5","region":"us"}}
{"transaction_id":"x3","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T23:30:00","properties":{"cpu_seconds":3}}
{"transaction_id":"x4","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T23:30:00-01:00","properties":{"cpu_seconds":1e-06,"region":null}}
{"transaction_id":"x2","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T14:15:16.250000+00:00","properties":{"cpu_seconds":"12.5","region":"us"}}
{"transaction_id":"x5","customer_id":"acme","event_type":"compute","timestamp":"2026-03-09T14:15:16+00:00","properties":{"cpu_seconds":null}}
{"transaction_id":"x6","customer_id":"acme","event_type":"login","timestamp":"2026-03-09T14:15:16+00:00","properties":{"cpu_seconds":1}}
{"transaction_id":"x7","customer_id":"acme","event_type":"compute","timestamp":1773065716,"properties":{"cpu_seconds":1}}

"""#
    static let metronomeCells = #"""
{
 "cells": {
  "acme": {
   "compute_runs:day:2026-03": {
    "09": "3",
    "10": "1"
   },
   "compute_seconds:all": {
    "eu": "250000",
    "unknown": "3000001",
    "us": "12500000"
   },
   "compute_seconds:month:2026-03": {
    "eu": "250000",
    "unknown": "3000001",
    "us": "12500000"
   },
   "totals": {
    "compute_runs": "4"
   }
  }
 },
 "outcomes": {
  "accepted": 4,
  "bad_field": 1,
  "duplicate": 1,
  "ignored": 1,
  "malformed": 1
 }
}

"""#

    static let nginx = #"""
# nginx with log_format … escape=json '{"id":"$request_id","host":"$host","msec":"$msec","time":"$time_local",
# "status":"$status","bytes":"$bytes_sent","seconds":"$request_time"}'. Each host is an organization.
version: 1
envelope:
  id: /id
  source: {const: nginx}
  type: {const: web.request}
  subject: /host
  time: {at: [/msec, /time], format: [unix, common-log]}
events:
  request:
    type: web.request
    fields:
      status: {at: /status, from: any}
      bytes: {at: /bytes, is: integer, from: text, required: true}
      seconds: {at: /seconds, is: decimal, scale: 3, from: text}
meters:
  web_requests: {kind: count, by: [status], windows: [month, all], on: [{event: request}]}
  web_bytes: {kind: sum, windows: [day, all], on: [{event: request, amount: bytes}]}
  web_seconds: {kind: sum, windows: [all], on: [{event: request, amount: seconds}]}

"""#
    static let nginxSample = #"""
{"id":"6f3b","host":"acme.example","msec":"1773065716.123","status":"200","bytes":"51200","seconds":"0.012"}
{"id":"6f3c","host":"acme.example","time":"10/Mar/2026:01:30:00 +0200","status":304,"bytes":0,"seconds":0.001}
{"id":"6f3d","host":"www.acme.example","msec":1773065716.999,"status":"200","bytes":"7","seconds":"12.500"}
{"id":"6f3b","host":"acme.example","msec":"1773065716.123","status":"200","bytes":"51200","seconds":"0.012"}
{"id":"6f3e","host":"acme.example","time":"10/Mar/2026 01:30:00","status":"200","bytes":"1","seconds":"0.1"}
{"id":"6f3f","host":"acme.example","msec":"1773065716.123","status":"200","bytes":"1","seconds":"0.0001"}

"""#
    static let nginxCells = #"""
{
 "cells": {
  "acme.example": {
   "totals": {
    "web_bytes": "51200",
    "web_seconds": "13"
   },
   "web_bytes:day:2026-03": {
    "09": "51200"
   },
   "web_requests:all": {
    "200": "1",
    "304": "1"
   },
   "web_requests:month:2026-03": {
    "200": "1",
    "304": "1"
   }
  },
  "www.acme.example": {
   "totals": {
    "web_bytes": "7",
    "web_seconds": "12500"
   },
   "web_bytes:day:2026-03": {
    "09": "7"
   },
   "web_requests:all": {
    "200": "1"
   },
   "web_requests:month:2026-03": {
    "200": "1"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let openmeter = #"""
# What OpenMeter's sink has in its topic: CloudEvents' attributes without specversion, seconds since 1970, and data as JSON
# inside a string.
version: 1
envelope:
  id: /id
  source: /source
  type: /type
  subject: /subject
  time: {at: /time, format: unix}
  data: {at: /data, inside: json}
events:
  prompt:
    fields:
      tokens: {at: /data/tokens, is: integer, from: text, required: true}
      model: {at: /data/model}
      kind: {at: /data/type}
meters:
  prompts: {kind: count, windows: [day, all], on: [{event: prompt}]}
  prompt_tokens: {kind: sum, by: [model, kind], windows: [month, all], on: [{event: prompt, amount: tokens}]}

"""#
    static let openmeterSample = #"""
{"id":"5c10fade-1","type":"prompt","source":"my-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":\"123\",\"model\":\"large\",\"type\":\"input\"}"}
{"id":"5c10fade-2","type":"prompt","source":"my-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":7,\"model\":\"large\",\"type\":\"output\"}"}
{"id":"5c10fade-2","type":"prompt","source":"other-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":1e3,\"model\":\"large\",\"type\":\"output\"}"}
{"id":"5c10fade-2","type":"prompt","source":"my-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":7,\"model\":\"large\",\"type\":\"output\"}"}
{"id":"5c10fade-3","type":"prompt","source":"my-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":"}
{"id":"5c10fade-4","type":"prompt","source":"my-app","subject":"customer-1","time":1773065716,"data":"{\"tokens\":NaN}"}

"""#
    static let openmeterCells = #"""
{
 "cells": {
  "customer-1": {
   "prompt_tokens:all": {
    "large:input": "123",
    "large:output": "1007"
   },
   "prompt_tokens:month:2026-03": {
    "large:input": "123",
    "large:output": "1007"
   },
   "prompts:day:2026-03": {
    "09": "3"
   },
   "totals": {
    "prompts": "3"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 2,
  "duplicate": 1
 }
}

"""#

    static let orb = #"""
# Orb events, one a record: the customer is at one of two places, times come with and without a zone (then UTC).
version: 1
envelope:
  id: /idempotency_key
  source: {const: orb}
  type: /event_name
  subject: [/customer_id, /external_customer_id]
  time: {at: /timestamp, format: iso8601, zone: UTC}
events:
  compute:
    fields:
      hours: {at: /properties/hours, is: decimal, scale: 9, from: text, required: true}
      spot: {at: /properties/is_spot, is: boolean, otherwise: unknown}
meters:
  compute_runs: {kind: count, windows: [day, all], on: [{event: compute}]}
  compute_hours: {kind: sum, by: [spot], windows: [month, all], on: [{event: compute, amount: hours}]}

"""#
    static let orbSample = #"""
{"event_name":"compute","idempotency_key":"k1","external_customer_id":"acme","timestamp":"2026-03-09T14:15:16+00:00","properties":{"hours":0.25,"is_spot":true}}
{"event_name":"compute","idempotency_key":"k2","customer_id":null,"external_customer_id":"acme","timestamp":"2026-03-09T23:30:00","properties":{"hours":1.000000001,"is_spot":false}}
{"event_name":"compute","idempotency_key":"k3","customer_id":"cus_7","external_customer_id":"acme","timestamp":"2026-03-09T23:30:00.500000-01:00","properties":{"hours":"2","is_spot":"maybe"}}
{"event_name":"compute","idempotency_key":"k6","external_customer_id":"acme","timestamp":"2026-03-09T14:15:16Z","properties":{"hours":1e-07}}
{"event_name":"compute","idempotency_key":"k1","external_customer_id":"acme","timestamp":"2026-03-09T14:15:16+00:00","properties":{"hours":0.25,"is_spot":true}}
{"event_name":"compute","idempotency_key":"k4","external_customer_id":"acme","timestamp":"2026-03-09","properties":{"hours":1}}
{"event_name":"compute","idempotency_key":"k5","external_customer_id":"acme","timestamp":"2026-03-09T14:15:16Z","properties":{"hours":1e-10}}

"""#
    static let orbCells = #"""
{
 "cells": {
  "acme": {
   "compute_hours:all": {
    "false": "1000000001",
    "true": "250000000",
    "unknown": "100"
   },
   "compute_hours:month:2026-03": {
    "false": "1000000001",
    "true": "250000000",
    "unknown": "100"
   },
   "compute_runs:day:2026-03": {
    "09": "3"
   },
   "totals": {
    "compute_runs": "3"
   }
  },
  "cus_7": {
   "compute_hours:all": {
    "unknown": "2000000000"
   },
   "compute_hours:month:2026-03": {
    "unknown": "2000000000"
   },
   "compute_runs:day:2026-03": {
    "10": "1"
   },
   "totals": {
    "compute_runs": "1"
   }
  }
 },
 "outcomes": {
  "accepted": 4,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 1
 }
}

"""#

    static let otlp = #"""
# OTLP/JSON metrics (OpenTelemetry's collector or SDKs): a record is an ExportMetricsServiceRequest, and each data point of a sum
# is an event. The sums must be deltas (aggregationTemporality 1: temporality "delta" in the exporter), which can be added up; a
# cumulative counter says its whole value each time. Points have no id, so a record is its own: what the exporter sends again, for
# instance after a timeout, counts twice.
version: 1
envelope:
  each: [/resourceMetrics, /scopeMetrics, /metrics, /sum/dataPoints]
  id: {record: true}
  source: {const: otlp}
  type: {in: /metrics, at: /name}
  subject: {in: /resourceMetrics, list: /resource/attributes, key: key, value: value/stringValue, name: tenant.id}
  time: {at: /timeUnixNano, format: unix-ns}
events:
  gen_ai.tokens:
    fields:
      count: {at: /asInt, is: integer, from: text, required: true}
      model: {at: {list: /attributes, key: key, value: value/stringValue, name: model}}
      direction: {at: {list: /attributes, key: key, value: value/stringValue, name: type}}
      service: {at: {in: /resourceMetrics, list: /resource/attributes, key: key, value: value/stringValue, name: service.name}}
  gen_ai.cost:
    fields:
      dollars: {at: [/asDouble, /asInt], is: decimal, scale: 9, round: half_even, from: text, required: true}
      model: {at: {list: /attributes, key: key, value: value/stringValue, name: model}}
      scope: {at: {in: /scopeMetrics, at: /scope/name}}
meters:
  tokens: {kind: sum, by: [model, direction], windows: [month, all], on: [{event: gen_ai.tokens, amount: count}]}
  service_tokens: {kind: sum, by: [service], windows: [day], on: [{event: gen_ai.tokens, amount: count}]}
  points: {kind: count, windows: [day, all], on: [{event: gen_ai.tokens}, {event: gen_ai.cost}]}
  cost: {kind: sum, by: [model, scope], windows: [all], on: [{event: gen_ai.cost, amount: dollars}]}

"""#
    static let otlpSample = #"""
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"acme"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"120"},{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"output"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"7"},{"attributes":[{"key":"model","value":{"stringValue":"small"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773152106123456789","timeUnixNano":"1773152116123456789","asInt":"1"}],"aggregationTemporality":1,"isMonotonic":true}},{"name":"gen_ai.cost","unit":"USD","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asDouble":0.0125},{"attributes":[{"key":"model","value":{"stringValue":"small"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asDouble":1e-06}],"aggregationTemporality":1,"isMonotonic":true}},{"name":"process.memory","unit":"By","gauge":{"dataPoints":[{"timeUnixNano":"1773065716123456789","asInt":"4096"}]}}]}]},{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"search"}},{"key":"tenant.id","value":{"stringValue":"globex"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"5"}],"aggregationTemporality":1,"isMonotonic":true}},{"name":"http.requests","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"code","value":{"intValue":"200"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"3"}],"aggregationTemporality":1,"isMonotonic":true}}]}]}]}
{"resourceMetrics":[]}
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"acme"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[],"aggregationTemporality":1,"isMonotonic":true}}]}]},{"resource":{},"scopeMetrics":[{"scope":{}}]}]}
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"acme"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"1000"},{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"-4"}],"aggregationTemporality":1,"isMonotonic":true}}]}]}]}
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"globex"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"1000"}],"aggregationTemporality":1,"isMonotonic":true}}]}]},{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.tokens","unit":"{token}","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}},{"key":"type","value":{"stringValue":"input"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asInt":"1"}],"aggregationTemporality":1,"isMonotonic":true}}]}]}]}
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"globex"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.cost","unit":"USD","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asDouble":2.5}],"aggregationTemporality":1,"isMonotonic":true}}]}]}]}
{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}},{"key":"tenant.id","value":{"stringValue":"globex"}}]},"scopeMetrics":[{"scope":{"name":"gateway","version":"1.4"},"metrics":[{"name":"gen_ai.cost","unit":"USD","sum":{"dataPoints":[{"attributes":[{"key":"model","value":{"stringValue":"large"}}],"startTimeUnixNano":"1773065706123456789","timeUnixNano":"1773065716123456789","asDouble":2.5}],"aggregationTemporality":1,"isMonotonic":true}}]}]}]}
{"resourceLogs":[]}
{"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "chat"}}, {"key": "tenant.id", "value": {"stringValue": "initech"}}, {"key": "host.cpus", "value": {"intValue": "4"}}]}, "scopeMetrics": [{"scope": {"name": "gateway", "version": "1.4"}, "metrics": [{"name": "gen_ai.tokens", "unit": "{token}", "sum": {"dataPoints": [{"attributes": [{"key": "model", "value": {"stringValue": "large"}}, {"key": "type", "value": {"stringValue": "input"}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asInt": "120"}, {"attributes": [{"key": "model", "value": {"stringValue": "gr\u00f6\u00dfer"}}, {"key": "stream", "value": {"boolValue": true}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asInt": "7"}], "aggregationTemporality": 1, "isMonotonic": true}}, {"name": "gen_ai.cost", "unit": "USD", "sum": {"dataPoints": [{"attributes": [{"key": "model", "value": {"stringValue": "large"}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asDouble": 0.30000000000000004}, {"attributes": [{"key": "model", "value": {"stringValue": "large"}}, {"key": "tries", "value": {"intValue": "3"}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asInt": "2"}, {"startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asDouble": 1e-09}], "aggregationTemporality": 1, "isMonotonic": true}}]}]}]}
{"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "chat"}}, {"key": "tenant.id", "value": {"stringValue": "initech"}}, {"key": "host.cpus", "value": {"intValue": "4"}}]}, "scopeMetrics": [{"scope": {"name": "gateway", "version": "1.4"}, "metrics": [{"name": "gen_ai.tokens", "unit": "{token}", "sum": {"dataPoints": [{"attributes": [{"key": "model", "value": {"stringValue": "large"}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asInt": "1"}, {"attributes": [{"key": "model", "value": {"stringValue": "large"}}], "startTimeUnixNano": "1773065706123456789", "timeUnixNano": "1773065716123456789", "asDouble": 0.5}], "aggregationTemporality": 1, "isMonotonic": true}}]}]}]}

"""#
    static let otlpCells = #"""
{
 "cells": {
  "acme": {
   "cost:all": {
    "large:gateway": "12500000",
    "small:gateway": "1000"
   },
   "points:day:2026-03": {
    "09": "4",
    "10": "1"
   },
   "service_tokens:day:2026-03-09": {
    "chat": "127"
   },
   "service_tokens:day:2026-03-10": {
    "chat": "1"
   },
   "tokens:all": {
    "large:input": "120",
    "large:output": "7",
    "small:input": "1"
   },
   "tokens:month:2026-03": {
    "large:input": "120",
    "large:output": "7",
    "small:input": "1"
   },
   "totals": {
    "points": "5"
   }
  },
  "globex": {
   "cost:all": {
    "large:gateway": "5000000000"
   },
   "points:day:2026-03": {
    "09": "3"
   },
   "service_tokens:day:2026-03-09": {
    "search": "5"
   },
   "tokens:all": {
    "large:input": "5"
   },
   "tokens:month:2026-03": {
    "large:input": "5"
   },
   "totals": {
    "points": "3"
   }
  },
  "initech": {
   "cost:all": {
    "large:gateway": "2300000000",
    "unknown:gateway": "1"
   },
   "points:day:2026-03": {
    "09": "5"
   },
   "service_tokens:day:2026-03-09": {
    "chat": "127"
   },
   "tokens:all": {
    "gr\u00f6\u00dfer:unknown": "7",
    "large:input": "120"
   },
   "tokens:month:2026-03": {
    "gr\u00f6\u00dfer:unknown": "7",
    "large:input": "120"
   },
   "totals": {
    "points": "5"
   }
  }
 },
 "outcomes": {
  "accepted": 13,
  "bad_field": 2,
  "ignored": 3,
  "malformed": 2
 }
}

"""#

    static let protobuf = #"""
# Protobuf as Confluent's serializers write it: id and message indexes before each record, or GUID and indexes in a header. Names are
# those of the .proto file; what is not written is zero, false, or the first symbol; empty texts are absent. --schemas says where the schemas are:
# a registry, or a directory like schemas/foreign/schemas.
version: 1
records: {format: protobuf}
envelope:
  id: /call_id
  source: {const: gateway}
  type: {const: call}
  subject: /account/name
  time: /finished_at
events:
  call:
    type: call
    fields:
      method: {at: /method}
      region: {at: /labels/region}
      bytes: {at: /bytes_sent, is: integer, required: true}
      price: {at: /price, is: decimal, scale: 6, from: text}
meters:
  calls: {kind: count, by: [method, region], windows: [month, all], on: [{event: call}]}
  call_bytes: {kind: sum, windows: [day, all], on: [{event: call, amount: bytes}]}
  call_price: {kind: sum, by: [method], windows: [all], on: [{event: call, amount: price}]}

"""#
    static let protobufSample = #"""
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000001", "finished_at": "2026-03-24T08:15:30.250Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 5120, "price": "0.000125", "labels": {"region": "eu", "zone": "a"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000002", "finished_at": "2026-03-24T23:59:59.999Z", "account": {"name": "acme", "parent": {"name": "holding", "parent": null}}, "method": "PUT", "bytes_sent": 77, "price": null, "labels": {}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000003", "finished_at": "2026-04-01T00:00:00Z", "account": {"name": "globex", "parent": null}, "method": "GET", "bytes_sent": 0, "price": "12.5", "labels": {"region": "us"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000001", "finished_at": "2026-03-24T08:15:30.250Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 5120, "price": "0.000125", "labels": {"region": "eu", "zone": "a"}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000004", "finished_at": "2026-03-24T09:00:00Z", "account": {"name": null, "parent": null}, "method": "GET", "bytes_sent": 1, "price": null, "labels": {}}
{"call_id": "6b1f0a52-5c1e-4d9c-9a53-000000000005", "finished_at": "1971-01-01T00:00:00Z", "account": {"name": "acme", "parent": null}, "method": "GET", "bytes_sent": 1, "price": null, "labels": {}}
0x7b7d
0x00000000

"""#
    static let protobufCells = #"""
{
 "cells": {
  "acme": {
   "call_bytes:day:2026-03": {
    "24": "5197"
   },
   "call_price:all": {
    "GET": "125"
   },
   "calls:all": {
    "GET:eu": "1",
    "PUT:unknown": "1"
   },
   "calls:month:2026-03": {
    "GET:eu": "1",
    "PUT:unknown": "1"
   },
   "totals": {
    "call_bytes": "5197"
   }
  },
  "globex": {
   "call_price:all": {
    "GET": "12500000"
   },
   "calls:all": {
    "GET:us": "1"
   },
   "calls:month:2026-04": {
    "GET:us": "1"
   }
  }
 },
 "outcomes": {
  "accepted": 3,
  "bad_field": 1,
  "duplicate": 1,
  "malformed": 3
 }
}

"""#

    static let stripe = #"""
# Stripe meter events, as its API takes them: a value is a number or a string, a time is RFC 3339 (version 2 of the API) or
# seconds since 1970 (version 1, and what the client for Python makes of a datetime). An event without identifier cannot be told
# from its repetition and is malformed. A float such as 0.1 + 0.2 has more decimals than its price: half_even.
version: 1
envelope:
  id: /identifier
  source: {const: stripe}
  type: /event_name
  subject: /payload/stripe_customer_id
  time: {at: /timestamp, format: [rfc3339, unix]}
events:
  ai_tokens:
    fields:
      value: {at: /payload/value, is: decimal, scale: 6, round: half_even, from: text, required: true}
      model: {at: /payload/model}
meters:
  token_events: {kind: count, windows: [day, all], on: [{event: ai_tokens}]}
  tokens: {kind: sum, by: [model], windows: [month, all], on: [{event: ai_tokens, amount: value}]}

"""#
    static let stripeSample = #"""
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_A1", "value": "25", "model": "small"}, "identifier": "mev_1", "timestamp": "2026-03-09T14:15:16.000Z"}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_A1", "value": 3, "model": "small"}, "identifier": "mev_2", "timestamp": 1773065717}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_A1", "value": 3, "model": "small"}, "identifier": "mev_2", "timestamp": 1773065717}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_B2", "value": "25.10", "model": "large"}, "identifier": "mev_3", "timestamp": "1773152117"}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_B2", "value": 0.30000000000000004}, "identifier": "mev_6", "timestamp": 1773065716}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_B2", "value": 1e-06, "model": null}, "identifier": "mev_7", "timestamp": 1773065716}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_A1", "value": "many"}, "identifier": "mev_4", "timestamp": 1773065716}
{"event_name": "ai_tokens", "payload": {"stripe_customer_id": "cus_A1", "value": "1"}, "timestamp": 1773065716}
{"event_name": "seats", "payload": {"stripe_customer_id": "cus_A1", "value": "1"}, "identifier": "mev_5", "timestamp": 1773065716}

"""#
    static let stripeCells = #"""
{
 "cells": {
  "cus_A1": {
   "token_events:day:2026-03": {
    "09": "2"
   },
   "tokens:all": {
    "small": "28000000"
   },
   "tokens:month:2026-03": {
    "small": "28000000"
   },
   "totals": {
    "token_events": "2"
   }
  },
  "cus_B2": {
   "token_events:day:2026-03": {
    "09": "2",
    "10": "1"
   },
   "tokens:all": {
    "large": "25100000",
    "unknown": "300001"
   },
   "tokens:month:2026-03": {
    "large": "25100000",
    "unknown": "300001"
   },
   "totals": {
    "token_events": "3"
   }
  }
 },
 "outcomes": {
  "accepted": 5,
  "bad_field": 1,
  "duplicate": 1,
  "ignored": 1,
  "malformed": 1
 }
}

"""#
}
