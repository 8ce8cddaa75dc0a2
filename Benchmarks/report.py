"""Results: ratios, medians and spreads, and tables of them."""

from statistics import median

MEGABYTE = 1_000_000
# The resident memory that is allowed besides queue, dedupe window and tallies.
BASE_BYTES = 100 * MEGABYTE
NOISY = 0.10
STAGE_TITLES = {
    "bare": "bare consumer", "consume": "Odometer's consumer", "scan": "+ scan", "fold": "+ check, dedupe, fold",
    "encode": "+ commit encoding", "odometer": "the whole",
}
# Name of a ratio: its title, the program that Odometer is compared with, and the value that is compared.
RATIOS = {
    "rate_ratio": ("events/s, Odometer : bare", "bare", lambda turn: turn["events_per_second"]),
    "cpu_ratio": ("CPU an event, Odometer : bare", "bare", lambda turn: turn["cpu_ns_per_event"]),
    "base_rate_ratio": ("events/s, Odometer : the older build", "base", lambda turn: turn["events_per_second"]),
    "base_cpu_ratio": ("CPU an event, Odometer : the older build", "base", lambda turn: turn["cpu_ns_per_event"]),
    "base_redis_ratio": ("Redis' CPU an event, Odometer : the older build", "base", lambda turn: turn["redis_ns_per_event"]),
    "plain_rate_ratio": ("events/s, commit script : plain pipelines", "plain", lambda turn: turn["events_per_second"]),
    "plain_cpu_ratio": ("CPU an event with Redis', script : plain", "plain", lambda turn: both_cpu(turn)),
    "plain_redis_ratio": ("Redis' CPU an event, script : plain", "plain", lambda turn: turn["redis_ns_per_event"]),
    "undeduped_rate_ratio": ("events/s, dedupe on : off", "undeduped", lambda turn: turn["events_per_second"]),
    "undeduped_cpu_ratio": ("CPU an event with Redis', dedupe on : off", "undeduped", lambda turn: both_cpu(turn)),
    "per_event_redis_ratio": ("Redis' CPU an event, Odometer : event by event", "per_event",
                              lambda turn: turn["redis_ns_per_event"]),
    "limit_cpu_ratio": ("CPU an event, Odometer : limit.cc", "limit", lambda turn: turn["cpu_ns_per_event"]),
    "limit_rate_ratio": ("events/s, Odometer : limit.cc", "limit", lambda turn: turn["events_per_second"]),
}


def spread(values):
    """The distance between the extremes, divided by the median."""
    return (max(values) - min(values)) / median(values)


def both_cpu(turn):
    """CPU of the process and of Redis per event."""
    return turn["cpu_ns_per_event"] + turn["redis_ns_per_event"]


def ratio(rounds, other, value):
    """Odometer's value divided by another program's, for each round."""
    found = [value(turns["odometer"]) / value(turns[other]) for turns in rounds]
    return {"rounds": found, "median": median(found), "spread": spread(found)}


def medians(rounds, who):
    return {name: median(turns[who][name] for turns in rounds)
            for name, value in rounds[0][who].items() if isinstance(value, (int, float))}


def summary(rounds):
    """Ratios to each other program, medians of all numbers, and whether a spread is too large for a valid result."""
    ratios = {name: ratio(rounds, other, value) for name, (_, other, value) in RATIOS.items() if other in rounds[0]}
    cores = [turns["odometer"]["cores"] for turns in rounds]
    return {
        "ratios": ratios,
        "median": {who: medians(rounds, who) for who in rounds[0]},
        "cores": {name: median(busy[name] for busy in cores) for name in cores[0] if cores[0][name] is not None},
        "noisy": any(compared["spread"] > NOISY for compared in ratios.values()),
    }


def print_workload(name, result):
    rounds = result["rounds"]
    print(f"\n{name}, {result['events']:,} events")
    print("\nround   bare events/s  CPU ns/event   odometer events/s  CPU ns/event  Redis ns/event   rate     CPU")
    for number, turns in enumerate(rounds, 1):
        bare, ours = turns["bare"], turns["odometer"]
        print(f"{number:5}   {rate_and_cpu(bare, 13)}   {rate_and_cpu(ours, 17)}  {ours['redis_ns_per_event']:14,.0f}   "
              f"{ours['events_per_second'] / bare['events_per_second']:.3f}   "
              f"{ours['cpu_ns_per_event'] / bare['cpu_ns_per_event']:5.2f}")
    if "plain" in rounds[0]:
        print_others(rounds)
    print_stages(result["median"])
    print()
    for title, compared in ((RATIOS[ratio][0], compared) for ratio, compared in result["ratios"].items()):
        noisy = "   noisy" if compared["spread"] > NOISY else ""
        print(f"{title:46} median {compared['median']:.3f}   spread {compared['spread']:.0%}{noisy}")
    print_odometer(result["median"], result["cores"])
    if result["noisy"]:
        print("noisy: a spread is above 10 %; something else used this machine, or it is too small a sample. It does not count.")


def rate_and_cpu(turn, width):
    return f"{turn['events_per_second']:{width},.0f}  {turn['cpu_ns_per_event']:12,.0f}"


def print_others(rounds):
    has_limit = "limit" in rounds[0]
    print("\nround   plain events/s  CPU ns/event  Redis ns/event   dedupe off events/s  CPU ns/event  Redis ns/event   "
          "event by event, Redis ns/event" + ("   limit.cc events/s  CPU ns/event  Redis ns/event" if has_limit else ""))
    for number, turns in enumerate(rounds, 1):
        line = (f"{number:5}   {with_redis(turns['plain'], 14)}   {with_redis(turns['undeduped'], 19)}   "
                f"{turns['per_event']['redis_ns_per_event']:30,.0f}")
        print(line + (f"   {with_redis(turns['limit'], 17)}" if has_limit else ""))


def with_redis(turn, width):
    return f"{rate_and_cpu(turn, width)}  {turn['redis_ns_per_event']:14,.0f}"


def print_stages(found):
    if "fold" not in found:
        return
    print("\nstage (medians)            events/s   of bare   CPU ns/event     adds")
    before = None
    for who, title in STAGE_TITLES.items():
        stage = found[who]
        adds = "" if before is None or who == "consume" else f"{stage['cpu_ns_per_event'] - before:+9,.0f}"
        print(f"{title:24} {stage['events_per_second']:10,.0f}   {stage['events_per_second'] / found['bare']['events_per_second']:7.3f}   "
              f"{stage['cpu_ns_per_event']:12,.0f}{adds}")
        before = stage["cpu_ns_per_event"]


def print_odometer(found, cores):
    ours, bare = found["odometer"], found["bare"]
    block, broker = ours["longest_block_ms"], ours.get("broker_ns_per_event")
    lines = [
        ("commits", f"{ours['commits']:,.0f}"),
        ("cells changed", f"{ours['cells']:,.0f}"),
        ("cells a commit", f"{ours['cells_per_commit']:,.1f}"),
        ("merge factor (events a cell)", f"{ours['merge_factor']:.2f}"),
        ("script time", f"p50 {ours['script_p50_ms']:.2f} ms, p99 {ours['script_p99_ms']:.2f} ms"),
        ("longest Redis block", "below 0.5 ms" if not block else f"{block:.1f} ms (median of the rounds)"),
        ("every mark at the log's end", f"{ours['marks_seconds']:.2f} s after the first record; all counted at {ours['seconds']:.2f} s"),
        ("CPU an event", f"Odometer {ours['cpu_ns_per_event']:,.0f} ns, Redis {ours['redis_ns_per_event']:,.0f} ns"
         + (f", broker {broker:,.0f} ns" if broker else "")),
        ("cores busy", ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in cores.items())),
        ("Redis' memory", f"{ours['redis_bytes'] / MEGABYTE:.0f} MB"),
        ("peak resident, bare", f"{bare['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("peak resident, Odometer", f"{ours['peak_bytes'] / MEGABYTE:.0f} MB"),
        ("  allowed: base", f"{BASE_BYTES / MEGABYTE:.0f} MB"),
        ("  + queue of the client", f"{ours['queue_bytes'] / MEGABYTE:.0f} MB (queued.max.messages.kbytes for each lane)"),
        ("  + dedupe window", f"{ours['dedupe_bytes'] / MEGABYTE:.0f} MB ({ours['dedupe_bytes_per_id']:.1f} bytes an id)"),
        ("  + tallies", f"{ours['tally_bytes'] / MEGABYTE:.0f} MB"),
    ]
    print("\nOdometer, medians of all rounds:")
    for name, text in lines:
        print(f"  {name:32} {text}")
