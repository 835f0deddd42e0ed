"""Runs the main Dag on this machine: a sandbox, Airflow in its own folder, three Dag runs, and checks.

The checks use the sandbox's own state and its own call counts, not the Dag's summary. The demo ends by itself and
leaves no process running.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO, cast

from airflow_provider_partners.sandbox.store import Store

DAG_ID = "yofi_shopify_to_yotpo"
_TASK_START = re.compile(r"\[DAG TEST\] starting task_id=(\S+)")
WRITES = (".create", ".update")
_LINE_WIDTH = 110


class DemoError(Exception):
    """A check of the demo failed."""


class Demo:
    """One demonstration in one folder.

    :param home: the folder, created for the demo; it contains the sandbox's database, Airflow's home, logs and datasets
    :param dags: the folder of the Dag
    :param orders: orders per shop
    """

    def __init__(self, *, home: Path, dags: Path, orders: int) -> None:
        self.home, self.dags, self.orders = home.resolve(), dags.resolve(), orders
        self.url = ""
        self.environment: dict[str, str] = {}

    def run(self) -> None:
        """Run all steps in order."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        with self.sandbox():
            self.configure()
            window = {"since": _iso(timedelta(days=-200)), "until": _iso(timedelta(minutes=1))}
            print_step("Run 1: every order of the last 200 days is new to Yotpo.")
            first = self.run_dag("run-1", window)
            check(first["created"] > 0, "the first run created orders")
            self.check_stores()

            print_step("Run 2: the same window again; nothing has changed, so nothing is written.")
            self.reset_calls()
            second = self.run_dag("run-2", window)
            check(second["created"] == second["updated"] == 0, "the second run reports 0 created, 0 updated")
            check(not self.writes(), "Yotpo received no write in the second run")

            print_step("Run 3: a few orders change in Shopify.")
            before = self.yotpo_orders()
            changed = self.change_orders()
            window["until"] = _iso(timedelta(minutes=1))
            third = self.run_dag("run-3", window)
            patched = {key for key, body in self.yotpo_orders().items() if before.get(key) != body}
            check(patched == changed, f"exactly the {len(changed)} changed orders were patched")
            check(third["updated"] == len(changed), "the Dag reports as many updates")
        print_step("All checks passed. Results:")
        for title, path in self.result_paths():
            print_step(f"  {title:<46} {path}")

    @contextlib.contextmanager
    def sandbox(self) -> Iterator[None]:
        """Serve the partners' APIs in a separate process."""
        port_file = self.home / "sandbox.port"
        command = [
            sys.executable, "-m", "airflow_provider_partners.sandbox", "serve", "--port", "0",
            "--port-file", str(port_file), "--database", str(self.home / "sandbox.sqlite"),
            "--orders", str(self.orders),
        ]  # fmt: skip
        with (self.home / "sandbox.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            self.url = f"http://127.0.0.1:{_wait_for_port(port_file, process)}"
            print_step(f"The partners' APIs are served at {self.url} by process {process.pid}.")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def configure(self) -> None:
        """Create an Airflow for the demo; environment variables are its only configuration."""
        airflow_home = self.home / "airflow"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
            **{key: str(value) for key, value in self.call("GET", "/_sandbox/connections").items()},
            "AIRFLOW_HOME": str(airflow_home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__PARTNERS__STAGING_URI": (self.home / "datasets").as_uri(),
        }
        print_step(f"Airflow's home is {airflow_home}.")
        self.airflow("setup", "db", "migrate")

    def run_dag(self, name: str, conf: Mapping[str, str]) -> dict[str, Any]:
        """Run the Dag once with Airflow's own command and print its summary.

        :returns: the totals of the run's summary
        """
        started = time.monotonic()
        self.airflow(name, "dags", "test", DAG_ID, "--conf", json.dumps(conf))
        summary = self.summary()
        print_step("\n".join(_counts_of(summary["table"])))
        print_step(f"  ({time.monotonic() - started:.0f} s; reasons and samples: {self.report()})\n")
        return cast("dict[str, Any]", summary["total"])

    def airflow(self, name: str, *arguments: str) -> None:
        """Run one ``airflow`` command with its output in ``NAME.log``; print the name of each task when it starts."""
        log, printed_tasks, width = self.home / f"{name}.log", set[str](), 0
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "airflow", *arguments],
                env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            with process:
                for line in cast("TextIO", process.stdout):
                    output.write(line)
                    task = _TASK_START.search(line)
                    if task and task.group(1) not in printed_tasks:
                        printed_tasks.add(task.group(1))
                        width = _print_word(task.group(1), width)
        if printed_tasks:
            print_step("")
        if process.returncode:
            lines = log.read_text().splitlines()
            errors = [line for line in lines if "[error" in line] or lines
            message = f"'airflow {' '.join(arguments[:3])}' failed; from {log}:\n" + "\n".join(errors[-12:])
            raise DemoError(message)

    def summary(self) -> dict[str, Any]:
        """Return the result of the run's last task, read from Airflow's database."""
        with contextlib.closing(sqlite3.connect(self.home / "airflow" / "airflow.db")) as database:
            row = database.execute(
                "SELECT value FROM xcom WHERE dag_id = ? AND task_id = 'summarize' AND key = 'return_value' "
                "ORDER BY timestamp DESC LIMIT 1",
                (DAG_ID,),
            ).fetchone()
        if row is None:
            message = "The run has no summary"
            raise DemoError(message)
        value = json.loads(row[0])
        return cast("dict[str, Any]", json.loads(value) if isinstance(value, str) else value)

    def report(self) -> Path:
        """Return the page of the latest report."""
        pages = (self.home / "datasets" / ".reports").glob("*/*/report.html")
        return max(pages, key=lambda page: page.stat().st_mtime, default=self.home / "datasets")

    def check_stores(self) -> None:
        """Check that no shop without the app has an order, and that no order exists twice."""
        keys = [(store, body["external_id"]) for store, body in self._orders()]
        check(len(keys) == len(set(keys)) >= 3 * self.orders, f"{len(keys)} orders are in Yotpo, each once")
        check(len({store for store, _ in keys}) >= 3, "they belong to at least 3 shops")

    def change_orders(self) -> set[tuple[str, str]]:
        """Change three orders in Shopify in each of two shops; return their stores and ids."""
        time.sleep(1.1)  # Shopify's timestamps have whole seconds; the change must come later.
        routes = json.loads(self.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
        stores = {
            route["shop"]: json.loads(self.environment[f"AIRFLOW_CONN_{route['yotpo_conn_id'].upper()}"])["login"]
            for route in routes
        }
        known = {store for store, _ in self.yotpo_orders()}
        changed: set[tuple[str, str]] = set()
        for shop in [shop for shop, store in stores.items() if store in known][:2]:
            for change in self.call("POST", f"/_sandbox/shopify/{shop}/orders/change?count=3")["changed"]:
                print_step(f"  {shop}: {change['name']}: {change['what']}")
                changed.add((stores[shop], change["legacyResourceId"]))
        return changed

    def yotpo_orders(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return every order of every Yotpo store, by store and external id."""
        return {(store, body["external_id"]): body for store, body in self._orders()}

    def _orders(self) -> list[tuple[str, dict[str, Any]]]:
        store = Store(self.home / "sandbox.sqlite")
        with contextlib.closing(store):
            return [(shop, body) for partner, shop, kind, _, body in store if (partner, kind) == ("yotpo", "order")]

    def reset_calls(self) -> None:
        """Reset the call counts to zero."""
        self.call("DELETE", "/_sandbox/calls")

    def writes(self) -> dict[str, int]:
        """Return the number of write requests that Yotpo's sandbox counted."""
        calls = self.call("GET", "/_sandbox/calls")
        return {name: count for name, count in calls.items() if name.startswith("yotpo/") and name.endswith(WRITES)}

    def call(self, method: str, path: str) -> dict[str, Any]:
        """Send one request to the sandbox's control API."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)  # noqa: S310  # loopback only
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return cast("dict[str, Any]", json.load(response))

    def result_paths(self) -> Iterator[tuple[str, Path]]:
        """Yield the results that a reader can look at after the demo, each with its path."""
        yield "The Dag", self.dags / f"{DAG_ID}.py"
        yield "Task logs of the three runs", self.home / "run-*.log"
        yield "The report of the last run, for a browser", self.report()
        yield "Datasets: orders, returns, outcomes, rejects", self.home / "datasets"
        yield "The sandbox's state (SQLite)", self.home / "sandbox.sqlite"
        yield "How it is built", self.dags.parent / "docs" / "architecture.md"


def _counts_of(table: str) -> list[str]:
    """Return the lines of a summary before its reasons: the first of those ends with a colon."""
    lines = table.splitlines()
    return lines[: next((index for index, line in enumerate(lines) if line.endswith(":")), len(lines))]


def _print_word(word: str, width: int) -> int:
    """Print a word at once, on the same line while it fits. Return how long the line is."""
    if width + len(word) > _LINE_WIDTH:
        sys.stdout.write("\n")
        width = 0
    text = f"  {word}"
    sys.stdout.write(text)
    sys.stdout.flush()
    return width + len(text)


def print_step(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201


def check(condition: bool, message: str) -> None:
    """Stop the demo if a condition is false."""
    if not condition:
        raise DemoError(f"This check failed: {message}")  # noqa: EM102
    print_step(f"  checked: {message}")


def _iso(offset: timedelta) -> str:
    return (datetime.now(UTC) + offset).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wait_for_port(path: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and (text := path.read_text().strip()):
            return int(text)
        time.sleep(0.1)
    message = f"The sandbox did not start; see {path.with_name('sandbox.log')}"
    raise DemoError(message)


def main() -> int:
    """Run the demo; return 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_partners.sandbox.demo", description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=Path(".demo"), help="folder to create, an old one is deleted (default: .demo)"
    )
    parser.add_argument("--dags", type=Path, default=Path("dags"), help="folder of the Dags (default: dags)")
    parser.add_argument("--orders", type=int, default=85, help="orders per shop (default: 85)")
    arguments = parser.parse_args()
    try:
        Demo(home=arguments.home, dags=arguments.dags, orders=arguments.orders).run()
    except DemoError as failure:
        print_step(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
