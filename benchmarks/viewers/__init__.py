"""Simulates the viewers of a conference against the real site.

    make bench-viewers                                all sizes; takes ten minutes
    make bench-viewers ARGS="--viewers 1000 --minutes 2"     one size

**Processes.** nginx with conf/nginx.conf, two workers of each app and PostgreSQL run on this
machine. One process simulates all viewers and endpoints (:mod:`.client`). A size is a window of an
event (:mod:`.event`): half of its viewers stay from the previous talk, the others arrive by a
Poisson process that peaks at the start of talks. Rooms are unequally popular. Sixty endpoints
register every ten seconds; one of the busiest room dies without deregistering. Pages and players
send the requests of the scripts (:mod:`.viewer` names the script of each interval). The files of a
page are found in its HTML, scripts, styles and service worker (:mod:`.page`).

**Time.** The event's clock runs at a factor of the wall clock, so that the machine is never
saturated: 1 is real time; with 0.2, one second of the event takes five seconds. This reduces the
load per second; costs are per viewer-minute of the event. Four things depend on the wall clock:

- Caches with a TTL of one second serve fewer viewers than in reality, because fewer send requests
  in that second. Periodic work (workers poll the tracker, the database vacuums) happens more often
  per minute of the event. A factor below 1 makes the results worse than reality.
- The tracker sets the interval of player reports, and expires overdue players. Its settings are
  converted to its own seconds: ``ingest.min_interval`` and ``ingest.max_interval`` are divided by
  the factor, ``ingest.target_rate`` is multiplied by it. ``next`` is converted back to seconds of
  the event.
- The tracker expires endpoints after sixty seconds without a report. Where ten seconds of the event
  take longer than fifty seconds, they report every fifty seconds.
- A dead endpoint stays in the lists for sixty seconds, which are fewer seconds of the event.

**Not simulated.** Streams, and TLS. Viewers share connections, as behind a CDN (the #cdn mark of
conf/nginx.conf is removed for this machine); each has its own address. All pages are visible and in
English, and all viewers stay in their room. Talks start every 45 seconds, so that a window contains
two: more viewers arrive, and fetch pages more often, than in reality.
"""
