import json, redis, sys

def shard(organization):  # FNV-1a, 32 bit, modulo 64
    value = 0x811C9DC5
    for byte in organization.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value % 64

def escaped(text):
    return "".join(f"%{ord(c):02X}" if c <= " " or c in "\x7f%:{}" else c for c in text)

url, organization, meter, month = sys.argv[1:]  # redis://localhost:6379 ORG api_calls 2026-03
name = f"odo:1:{{{shard(organization)}}}:{escaped(organization)}"
server = redis.Redis.from_url(url, decode_responses=True)
total, days = server.hget(f"{name}:totals", meter), server.hgetall(f"{name}:{meter}:day:{month}")
print(json.dumps({"total": int(total or 0), "days": {day: int(days[day]) for day in sorted(days)}}))
