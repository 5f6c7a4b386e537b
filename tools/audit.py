"""Asks OSV (https://osv.dev) whether a locked package is known to be vulnerable: `make audit`.

Exit status 0: none is, or nobody could be asked, which is said; 1: one is.
"""

import argparse
import json
import os
from pathlib import Path

import urllib3
from lockfile import EXTRAS, LOCK, pins

OSV = "https://api.osv.dev"
MOST = 8 * 2**20


class UnknownError(Exception):
    """Nobody can say."""


def ask(pool, method, url, **more):
    """Return what the database answers."""
    try:
        answer = pool.request(method, url, preload_content=False, **more)
        body = answer.read(MOST)
        answer.release_conn()
        if answer.status != 200:
            raise UnknownError(f"answers {answer.status}")
        return json.loads(body)
    except urllib3.exceptions.HTTPError as error:
        raise UnknownError(str(getattr(error, "reason", None) or error)) from None
    except ValueError:
        raise UnknownError("does not answer in JSON") from None


def vulnerabilities(pool, url, locked):
    """Yield package, number and summary of all that is known."""
    queries = [
        {"version": pin.version, "package": {"name": pin.name, "ecosystem": "PyPI"}}
        for pin in locked
    ]
    answer = ask(pool, "POST", f"{url}/v1/querybatch", json={"queries": queries})
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != len(locked):
        raise UnknownError("does not answer as OSV does")
    for pin, result in zip(locked, results, strict=True):
        for known in result.get("vulns", ()):
            about = ask(pool, "GET", f"{url}/v1/vulns/{known['id']}")
            if "withdrawn" not in about:
                summary = about.get("summary") or about.get("details") or "no summary"
                yield pin, known["id"], " ".join(summary.split())[:100]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "locks", nargs="*", type=Path, default=(LOCK, EXTRAS), help="all that may be deployed"
    )
    parser.add_argument("--url", default=OSV, help="where the database is")
    options = parser.parse_args()
    every = [pin for lock in options.locks for pin in pins(lock)]
    locked = list({(pin.name, pin.version): pin for pin in every}.values())
    authorities = os.environ.get("SSL_CERT_FILE")
    with urllib3.PoolManager(
        timeout=20, retries=urllib3.Retry(2, redirect=0), ca_certs=authorities
    ) as pool:
        try:
            found = list(vulnerabilities(pool, options.url.rstrip("/"), locked))
        except UnknownError as error:
            print(f"NOT AUDITED: {options.url} cannot be asked ({error}); try again elsewhere")
            return 0
    for pin, number, summary in found:
        print(f"{pin.name} {pin.version}: {number}: {summary}")
    print(f"{len(locked)} packages, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
