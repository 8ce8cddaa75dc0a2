import redis, sys

def tag(organization, shards):  # FNV-1a, 32 bit, modulo the ledger's number of shards; in octal above 64
    value = 0x811C9DC5
    for byte in organization.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return f"{value % shards:03o}" if shards > 64 else str(value % shards)

def escaped(text):
    return "".join(f"%{ord(c):02X}" if c <= " " or c in "\x7f%:{}" else c for c in text)

def shown(cell, scale):  # a meter with decimals keeps its numbers times 10 ** scale
    sign, digits = ("-", cell[1:]) if cell[0] == "-" else ("", cell)
    digits = digits.zfill(scale + 1)
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else cell

# redis://localhost:6379 ORG api_calls 2026-03; of a Redis Cluster redis+cluster://HOST:PORT,HOST:PORT
url, organization, meter, month = sys.argv[1:]
kind = redis.RedisCluster if "+cluster" in url else redis.Redis
server = kind.from_url(url.replace("+cluster", "").split(",")[0], decode_responses=True)
shards = int(server.hget("odo:1:{dir}:ledger", "shards"))
scale = int(server.hget("odo:1:{dir}:ledger", f"scale:{meter}") or 0)
name = f"odo:1:{{{tag(organization, shards)}}}:{escaped(organization)}"
total, days = server.hget(f"{name}:totals", meter), server.hgetall(f"{name}:{meter}:day:{month}")
counts = ", ".join(f'"{day}": {shown(days[day], scale)}' for day in sorted(days))
print(f'{{"total": {shown(total or "0", scale)}, "days": {{{counts}}}}}')
