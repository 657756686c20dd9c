"""Seconds from `dev.py demo` (installed, started once before) to the first page of somebody signed in.

A demo of its own, in a directory of its own: prepared by a first start, stopped, and started again with the clock
running. The floor is an interpreter that imports the console and does nothing.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from benchmarks.report import Result, print_result
from embedded import paths, places
from embedded.account import ordinary_account

IMPORT_CONSOLE = "import ops_console.asgi"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def measure() -> Result:
    """Both starts, on data that are gone afterwards."""
    with places.throwaway(ordinary_account()) as directory:
        return measure_in(directory / "demo", (free_port(), free_port()))


def measure_in(home: Path, ports: tuple[int, int]) -> Result:
    """A first start to have everything made, then the one that counts."""
    began_at = time.monotonic()
    stop(start(home, *ports))
    first_seconds = time.monotonic() - began_at
    began_at = time.monotonic()
    demo = start(home, *ports)
    ready_seconds = time.monotonic() - began_at
    try:
        sign_in(f"http://127.0.0.1:{ports[0]}", home)
        seconds = time.monotonic() - began_at
    finally:
        stop(demo)
    details = {"until_ready_seconds": round(ready_seconds, 2), "first_start_and_stop_seconds": round(first_seconds, 2)}
    return Result("start", "s", round(seconds, 2), floor(), details=details)


def start(home: Path, port: int, backend_port: int) -> subprocess.Popen[str]:
    """Start a demo and return when its block, which ends with the admin's sign-in, has been printed."""
    command = [sys.executable, str(paths.ROOT / "dev.py"), "demo", "--port", str(port)]
    demo = subprocess.Popen(
        [*command, "--backend-port", str(backend_port)],
        env=os.environ | {"DEMO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = []
    for line in demo.stdout or ():
        printed.append(line)
        if line.split()[:4] == ["Sign", "in", "as", "admin"]:
            return demo
    raise SystemExit(f"The demo did not start:\n{''.join(printed)}")


def stop(demo: subprocess.Popen[str]) -> None:
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)


def sign_in(console: str, home: Path) -> None:
    """As a browser does: fetch the form, post it, be sent to the first page. Raises SystemExit when not let in."""
    entry = next(each for each in json.loads((home / "sign-ins.json").read_text()) if each["role"] == "operator")
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    form, address = page(browser, f"{console}/")
    token = TOKEN.search(form)
    fields = {
        "csrfmiddlewaretoken": token.group(1) if token else "",
        "login": entry["username"],
        "password": entry["password"],
    }
    first, where = page(browser, address, urlencode(fields).encode())
    if where != f"{console}/" or entry["username"] not in first:
        raise SystemExit(f"Signing in led to {where}, not to the first page.")


def page(browser: OpenerDirector, address: str, body: bytes | None = None) -> tuple[str, str]:
    """A page and where it was found, redirects followed."""
    with browser.open(address, body, timeout=30) as answer:
        return answer.read().decode(), answer.geturl()


def floor() -> float:
    """The shortest of a few: the first reads from disk what the console's processes had in memory."""
    return round(min(import_seconds() for _ in range(5)), 2)


def import_seconds() -> float:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "ops_console.settings"}
    began_at = time.monotonic()
    command = [str(paths.python_of(paths.VENV)), "-c", IMPORT_CONSOLE]
    subprocess.run(command, env=environment, cwd=paths.ROOT, check=True)
    return time.monotonic() - began_at


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


if __name__ == "__main__":
    print_result(measure())
