"""Another catalog without a restart: by SIGHUP and `odometer reload`, while events and questions come."""

import json
import os
import signal
import threading
import time

from checks import check, expect, run
from house import House, get, wait_until

House.needed()
CATALOG = """\
version: 1
events:
  use: {{fields: {{model: {{at: /data/model}}, n: {{at: /data/n, is: integer, required: true}}}}}}
meters:
  calls: {{kind: count, windows: [day, all], on: [{{event: use}}]}}
  units: {{kind: sum, windows: [day, all], on: [{{event: use, amount: {amount}}}]}}
{more}"""
METER = "  more_{0}: {{kind: count, windows: [day, all], on: [{{event: use}}]}}\n"


def write(path, more=0, amount="n"):
    """The catalog with so many meters more; in one step: a reader sees one or the other."""
    fresh = path.with_suffix(".new")
    fresh.write_text(CATALOG.format(amount=amount, more="".join(METER.format(number) for number in range(more))))
    os.replace(fresh, path)


class Load:
    """Sends events all the time; each is one call and three units."""

    def __init__(self, house):
        self.house, self.sent, self.producer = house, 0, house.producer()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def send(self, count):
        for _ in range(count):
            event = {"specversion": "1.0", "id": str(self.sent), "source": "check", "type": "use", "subject": "acme",
                     "time": "2026-03-09T14:07:31Z", "data": {"model": f"m{self.sent % 3}", "n": 3}}
            self.producer.produce(self.house.topic, json.dumps(event), key=f"k{self.sent % 16}")
            self.sent += 1
        self.producer.flush(20)

    def _send(self):
        while not self._stop.wait(0.02):
            self.send(20)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def said(machine, text):
    return machine.log.read_text().count(text)


def value(machine, key, meter):
    status, _, body = get(f"{machine.url}/v1/meters/{meter}", {"Authorization": f"Bearer {key}"}, timeout=20)
    expect(status == 200, f"{meter}: {status} {body[:300]}")
    return sum(row["value"] for row in json.loads(body)["data"])


def hang_up(machine, text):
    """SIGHUP, and waits for what the log then says."""
    before = said(machine, text)
    machine.process.send_signal(signal.SIGHUP)
    wait_until(lambda: said(machine, text) > before, 20, text)


@check
def one_process():
    """`up` takes more meters while events and questions come: nobody is refused, the old numbers stay exact, new meters begin at their marks"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        write(path)
        unlimited = ("--rate-limit", "0", "--organization-requests", "0", "--address-rate-limit", "0")
        machine = house.start("up", "--meters", str(path), *unlimited).wait_ready()
        key = house.key("acme", "operations")
        failed, answers, stop = [], [0], threading.Event()

        def ask():
            while not stop.wait(0.02):
                try:
                    value(machine, key, "calls")
                    answers[0] += 1
                except Exception as error:  # whatever a client sees is a failure
                    failed.append(repr(error))

        load = Load(house)
        load.send(500)
        house.wait_counted()
        hang_up(machine, "reload: the catalog is the same")
        asker = threading.Thread(target=ask, daemon=True)
        asker.start()
        begun = []
        with load:
            for more in range(1, 4):
                begun.append(load.sent)
                write(path, more)
                taken = said(machine, "answering")
                hang_up(machine, "reload: another catalog is taken")
                wait_until(lambda: said(machine, "answering") > taken, 30, "the next machine answers")
                wait_until(lambda: get(f"{machine.admin}/readyz")[0] == 200, 30, "ready")
        stop.set()
        asker.join()
        load.send(100)
        house.wait_counted(60)
        expect(not failed and answers[0] > 20, f"{len(failed)} of {answers[0]}: {failed[:3]}")
        expect(value(machine, key, "calls") == load.sent, "calls")
        expect(value(machine, key, "units") == 3 * load.sent, "units")
        for number, start in enumerate(begun):
            found = value(machine, key, f"more_{number}")
            expect(100 <= found <= load.sent - start, f"more_{number}: {found} of {load.sent}, begun after {start}")
        house.call("verify", "--full", "--meters", str(path))
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def refused():
    """a catalog that would falsify cells or cannot be read is refused with the reason, and the old one goes on"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        write(path)
        machine = house.start("run", "--meters", str(path)).wait_ready()
        load = Load(house)
        load.send(100)
        house.wait_counted()
        write(path, amount="n, when: {field: model, in: [m0]}")
        hang_up(machine, "reload refused, the catalog of before goes on: ")
        expect("the ledger counts otherwise: meter units" in machine.log.read_text(), machine.log.read_text()[-600:])
        told = house.call("reload", "--meters", str(path), expected=None)
        expect("adds" not in told, told)
        house.call("reload", "--meters", str(path), expected=4)
        path.write_text("version: 1\nmeters: [")
        hang_up(machine, "reload refused, the catalog of before goes on: catalog: ")
        write(path, 1)
        expect("adds to the contract: more_0" in house.call("reload", "--meters", str(path)), "odometer reload")
        load.send(100)
        house.wait_counted()
        expect(machine.process.poll() is None, "it runs")
        house.call("reload", "--meters", str(path), "--pid", str(machine.process.pid))
        wait_until(lambda: said(machine, "reload: another catalog is taken") == 1, 20, "taken")
        wait_until(lambda: get(f"{machine.admin}/readyz")[0] == 200, 30, "ready")
        load.send(100)
        house.wait_counted(60)
        house.call("verify", "--full", "--meters", str(path))
        expect(machine.terminate() == 0, "exit code after SIGTERM")


@check
def two_processes():
    """of two processes one is told: the other one's contract is taken over, and it reads the catalog by itself; kill -9 in between"""
    with House() as house:
        path = house.folder / "catalog.yaml"
        write(path)
        first = house.start("run", "--meters", str(path)).wait_ready()
        second = house.start("run", "--meters", str(path)).wait_ready()
        with Load(house) as load:
            for more in range(1, 4):
                write(path, more)
                before = said(second, "it is taken")
                hang_up(first, "reload: another catalog is taken")
                wait_until(lambda: said(second, "it is taken") > before, 60, "the other one follows")
                for machine in (first, second):
                    wait_until(lambda: get(f"{machine.admin}/readyz")[0] == 200, 60, "ready")
            write(path, 4)
            first.process.send_signal(signal.SIGHUP)
            time.sleep(0.2)  # anywhere in the reload
            first.kill()
            third = house.start("run", "--meters", str(path)).wait_ready(60)
        house.wait_counted(90)
        house.call("verify", "--full", "--meters", str(path))
        for machine in (second, third):
            expect(machine.terminate() == 0, "exit code after SIGTERM")


run()
