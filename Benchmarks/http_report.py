"""The results of the routes as a table, and compared with the goals."""

from statistics import median, quantiles

from report import NOISY, spread

LEAST_RATIO, MOST_P99_MS, LEAST_INGEST, MOST_CHECK_P99_MS = 0.7, 5.0, 0.9, 1.0


def route_summary(rounds):
    """Medians of one route's rounds, and the ratio of the rates in each of them."""
    ratios = [turns["odometer"]["per_second"] / turns["bare"]["per_second"] for turns in rounds]
    medians = {who: {name: median(turns[who][name] for turns in rounds) for name in rounds[0][who]}
               for who in ("odometer", "bare")}
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return {"ratio": {"rounds": ratios, "median": median(ratios), "middle_half": [low, high], "spread": spread(ratios)},
            **medians}


def print_routes(routes):
    print(f"\n{'route':26} {'bare/s':>8} {'ours/s':>8} {'ratio':>6} {'middle half':>12} {'spread':>6}   {'CPU us an answer':^22}   "
          f"{'trips':>5} {'reads':>5} {'bytes':>7}")
    print(f"{'':26} {'':>8} {'':>8} {'':>6} {'':>12} {'':>6}   {'bare':>6} {'ours':>6} {'Redis':>7}")
    for name, route in routes.items():
        bare, ours = route["bare"], route["odometer"]
        noisy = " noisy" if route["ratio"]["spread"] > NOISY else ""
        print(f"{name:26} {bare['per_second']:8,.0f} {ours['per_second']:8,.0f} {route['ratio']['median']:6.2f} "
              f"{route['ratio']['middle_half'][0]:7.2f}-{route['ratio']['middle_half'][1]:.2f} "
              f"{route['ratio']['spread']:6.0%}   {bare['cpu_us']:6.1f} {ours['cpu_us']:6.1f} {ours['redis_us']:7.1f}   "
              f"{route['round_trips']:5.1f} {route['commands']:5.0f} {route['body_bytes']:7,.0f}{noisy}")


def route_goals(routes):
    goals = [{"name": f"{name}: requests/s >= {LEAST_RATIO} of the bare program's", "value": route["ratio"]["median"],
              "passed": route["ratio"]["median"] >= LEAST_RATIO} for name, route in routes.items()]
    most = max(route["round_trips"] for route in routes.values())
    return goals + [{"name": "round trips to Redis an answer, most of any route, at least for half the requests",
                     "value": most, "passed": most <= 1}]


def check_p99(rounds):
    """The median of the rounds' 99th percentiles, in ms."""
    return median(found["p99_us"] for found in rounds) / 1000


def print_checks(checks):
    print(f"\n{'checks of limits':30} {'answers/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'p99.9 ms':>8}   {'CPU us':>6} {'Redis us':>8}")
    for name, rounds in checks.items():
        one = {part: median(found[part] for found in rounds) for part in rounds[0]}
        print(f"{name:30} {one['per_second']:9,.0f} {one['p50_us'] / 1000:7.2f} {one['p99_us'] / 1000:7.2f} "
              f"{one['p999_us'] / 1000:8.2f}   {one['cpu_us']:6.1f} {one['redis_us']:8.1f}")


def check_goals(checks):
    goals = [{"name": f"{name}: p99 in ms <= {MOST_CHECK_P99_MS:g}", "value": check_p99(rounds),
              "passed": check_p99(rounds) <= MOST_CHECK_P99_MS} for name, rounds in checks.items()]
    lost = max(found["unsent"] + found["failed"] for rounds in checks.values() for found in rounds)
    return goals + [{"name": "checks not sent or not answered with 200, most of any round", "value": lost, "passed": lost == 0}]


def ingest_summary(rounds):
    """The ratios of ingest with requests to ingest alone, and the medians of the answers."""
    rates = [turns["asked"]["counted_per_second"] / turns["alone"]["counted_per_second"] for turns in rounds]
    cpu = [turns["asked"]["cpu_ns_per_event"] / turns["alone"]["cpu_ns_per_event"] for turns in rounds]
    answers = {name: median(turns["asked"]["answers"][name] for turns in rounds)
               for name in rounds[0]["asked"]["answers"]}
    return {"rate_ratio": {"rounds": rates, "median": median(rates), "spread": spread(rates)},
            "cpu_ratio": {"rounds": cpu, "median": median(cpu), "spread": spread(cpu)}, "answers": answers,
            "rounds": rounds}


def ingest_goals(found):
    p99, rate, answers = found["answers"]["p99_us"] / 1000, found["rate_ratio"]["median"], found["answers"]
    lost = max(turns["asked"]["answers"]["unsent"] + turns["asked"]["answers"]["failed"] for turns in found["rounds"])
    return [
        {"name": f"p99 of answers in ms, ingest beside them <= {MOST_P99_MS:g}", "value": p99,
         "passed": p99 <= MOST_P99_MS},
        {"name": f"ingest beside requests >= {LEAST_INGEST} of it alone", "value": rate, "passed": rate >= LEAST_INGEST},
        {"name": "requests not sent or not answered with 200, most of any round", "value": lost, "passed": lost == 0},
    ], (f"{answers['per_second']:,.0f} answers/s: p50 {answers['p50_us'] / 1000:.2f} ms, p90 {answers['p90_us'] / 1000:.2f}, "
        f"p99 {p99:.2f}, p99.9 {answers['p999_us'] / 1000:.2f}, p99.99 {answers['p9999_us'] / 1000:.2f}, "
        f"longest {answers['max_us'] / 1000:.2f}; sent late by {answers['send_delay_p99_us'] / 1000:.2f} ms (p99)")


def print_goals(goals):
    print("\nGoals:")
    for goal in goals:
        print(f"  {'pass' if goal['passed'] else 'FAIL'}  {goal['name']}: {goal['value']:.3g}")
    return 0 if all(goal["passed"] for goal in goals) else 1
