"""Checks the locked packages for known vulnerabilities in OSV (https://osv.dev): `make audit`.

It stores all advisories about these packages in a copy, var/advisories.json. If OSV is unavailable,
it checks the packages against that copy, and fails nevertheless.

Exit status 0: there are no vulnerabilities; 1: there are some; 2: OSV is unavailable.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import urllib3
from advisory_copy import COPY, ECOSYSTEM, AdvisoryCopy
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


def query_batch(pool, url, queries):
    """Return the ids and modification times of the advisories that match each query."""
    response = fetch_json(pool, "POST", f"{url}/v1/querybatch", json={"queries": queries})
    results = response.get("results") if isinstance(response, dict) else None
    if not isinstance(results, list) or len(results) != len(queries):
        raise OsvUnavailableError("the response is not from OSV")
    return [result.get("vulns", ()) for result in results]


def update_copy(pool, url, copy, results):
    """Fetch the advisories of results that are new, or newer than in the copy."""
    for entry in (entry for entries in results for entry in entries):
        if not copy.is_current(entry["id"], entry.get("modified")):
            advisory = fetch_json(pool, "GET", f"{url}/v1/vulns/{entry['id']}")
            copy.advisories[entry["id"]] = advisory | {"id": entry["id"]}


def find_vulnerabilities(pool, url, locked, copy):
    """Return the pin and the advisory of each known vulnerability, and update the copy."""
    packages = [{"name": pin.name, "ecosystem": ECOSYSTEM} for pin in locked]
    results = query_batch(
        pool,
        url,
        [
            {"version": pin.version, "package": package}
            for pin, package in zip(locked, packages, strict=True)
        ],
    )
    update_copy(pool, url, copy, results)
    try:
        # All versions: the next lock, or an earlier one, can be checked against the copy.
        update_copy(pool, url, copy, query_batch(pool, url, [{"package": p} for p in packages]))
    except OsvUnavailableError as error:
        print(f"the copy lacks advisories about other versions: {error}", file=sys.stderr)
    copy.save()
    found = {
        (pin, entry["id"]): copy.advisories[entry["id"]]
        for pin, entries in zip(locked, results, strict=True)
        for entry in entries
        if "withdrawn" not in copy.advisories[entry["id"]]
    }
    return found | {(pin, entry["id"]): entry for pin, entry in copy.find(locked)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("locks", nargs="*", type=Path, default=(LOCK, EXTRAS), help="lock files")
    parser.add_argument("--url", default=OSV_URL, help="URL of the OSV API")
    parser.add_argument("--copy", default=COPY, type=Path, help="the copy of the advisories")
    options = parser.parse_args()
    pins = [pin for lock in options.locks for pin in parse_lock(lock)]
    locked = list({(pin.name, pin.version): pin for pin in pins}.values())
    copy = AdvisoryCopy(options.copy)
    ca_certs = os.environ.get("SSL_CERT_FILE")
    with urllib3.PoolManager(
        timeout=20, retries=urllib3.Retry(2, redirect=0), ca_certs=ca_certs
    ) as pool:
        try:
            found = find_vulnerabilities(pool, options.url.rstrip("/"), locked, copy)
            unavailable = ""
        except OsvUnavailableError as error:
            copy = AdvisoryCopy(options.copy)
            found = {(pin, entry["id"]): entry for pin, entry in copy.find(locked)}
            unavailable = str(error)
    for (pin, osv_id), entry in found.items():
        summary = entry.get("summary") or entry.get("details") or "no summary"
        print(f"{pin.name} {pin.version}: {osv_id}: {' '.join(summary.split())[:100]}")
    if unavailable:
        state = "there is no copy of its advisories"
        if copy.updated_at:
            state = f"its copy of {copy.updated_at:%Y-%m-%d} names {len(found)}"
        problem = f"{options.url} is unavailable ({unavailable})"
        print(f"NOT AUDITED: {problem}; {state}; try again elsewhere")
        return 2
    print(f"{len(locked)} packages, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
