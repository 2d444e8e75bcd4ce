"""What a script is told, and how it reports: a line of JSON for each
assertion, which AGW::Clients reads."""

import contextlib
import json
import sys
import traceback

with open(sys.argv[1], encoding="utf-8") as file:
    calls = json.load(file)

checks = 0


def report(name, ok, detail):
    global checks

    checks += 1
    print(json.dumps({"name": name, "ok": bool(ok), "detail": detail}))


def same(name, got, wanted):
    report(name, got == wanted, f"got {got!r}, not {wanted!r}")


@contextlib.contextmanager
def part(name):
    """Assertions that belong together.  What is raised there fails under
    the name of the whole, and the script goes on with the next."""

    try:
        yield

    except Exception:
        report(name, False, traceback.format_exc())


def finish():
    print(json.dumps({"checks": checks}))
