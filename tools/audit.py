"""Checks the locked packages for known vulnerabilities in OSV (https://osv.dev): `make audit`.

Exit status 0: there are none, or OSV is unreachable (which is printed); 1: there are some.
"""

import argparse
import json
import os
from pathlib import Path

import urllib3
from lockfile import EXTRAS, LOCK, parse_lock

OSV_URL = "https://api.osv.dev"
MAX_BODY_BYTES = 8 * 2**20


class OsvUnavailableError(Exception):
    """OSV is unreachable, or its response is invalid."""


def fetch_json(pool, method, url, **options):
    """Return the decoded JSON of a response."""
    try:
        response = pool.request(method, url, preload_content=False, **options)
        body = response.read(MAX_BODY_BYTES)
        response.release_conn()
        if response.status != 200:
            raise OsvUnavailableError(f"status {response.status}")
        return json.loads(body)
    except urllib3.exceptions.HTTPError as error:
        raise OsvUnavailableError(str(getattr(error, "reason", None) or error)) from None
    except ValueError:
        raise OsvUnavailableError("the response is not JSON") from None


def find_vulnerabilities(pool, url, locked):
    """Yield the pin, id and summary of each known vulnerability."""
    queries = [
        {"version": pin.version, "package": {"name": pin.name, "ecosystem": "PyPI"}}
        for pin in locked
    ]
    response = fetch_json(pool, "POST", f"{url}/v1/querybatch", json={"queries": queries})
    results = response.get("results") if isinstance(response, dict) else None
    if not isinstance(results, list) or len(results) != len(locked):
        raise OsvUnavailableError("the response is not from OSV")
    for pin, result in zip(locked, results, strict=True):
        for entry in result.get("vulns", ()):
            details = fetch_json(pool, "GET", f"{url}/v1/vulns/{entry['id']}")
            if "withdrawn" not in details:
                summary = details.get("summary") or details.get("details") or "no summary"
                yield pin, entry["id"], " ".join(summary.split())[:100]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("locks", nargs="*", type=Path, default=(LOCK, EXTRAS), help="lock files")
    parser.add_argument("--url", default=OSV_URL, help="URL of the OSV API")
    options = parser.parse_args()
    pins = [pin for lock in options.locks for pin in parse_lock(lock)]
    locked = list({(pin.name, pin.version): pin for pin in pins}.values())
    ca_certs = os.environ.get("SSL_CERT_FILE")
    with urllib3.PoolManager(
        timeout=20, retries=urllib3.Retry(2, redirect=0), ca_certs=ca_certs
    ) as pool:
        try:
            results = list(find_vulnerabilities(pool, options.url.rstrip("/"), locked))
        except OsvUnavailableError as error:
            print(f"NOT AUDITED: {options.url} is unavailable ({error}); try again elsewhere")
            return 0
    for pin, osv_id, summary in results:
        print(f"{pin.name} {pin.version}: {osv_id}: {summary}")
    print(f"{len(locked)} packages, {len(results)} known vulnerabilities")
    return 1 if results else 0


if __name__ == "__main__":
    raise SystemExit(main())
