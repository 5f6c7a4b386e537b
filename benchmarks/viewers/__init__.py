"""A conference's viewers, simulated against the real site.

    make bench-viewers                                all sizes; takes ten minutes
    make bench-viewers ARGS="--viewers 1000 --minutes 2"     one size

**What runs.** nginx with conf/nginx.conf, two workers of each app and PostgreSQL, on this machine,
and one process that is all viewers and all stream servers (:mod:`.client`). A size is a window of
an event (:mod:`.event`): half of its viewers are there from the talk before, the others come by a
Poisson process that peaks when talks begin; rooms are liked unequally; sixty endpoints register
every ten seconds, and one of the busiest room dies without a word. Pages and players ask as their
scripts do (:mod:`.viewer` names the script of each interval). Which files a page needs is read from
the page, its scripts and styles, and what it keeps offline (:mod:`.page`).

**Time.** The event's clock runs at a factor of the wall clock's, so that the machine is never
saturated: 1 is true time, 0.2 means that five seconds pass for one of the event. Load in a second
is less by that, and costs per viewer-minute are those of the event's minutes. Four things know
only the wall clock:

- What a cache keeps for a second is used by fewer viewers than in truth, since fewer ask in that
  second, and what happens by the clock (pages' workers ask the tracker, the database tidies up)
  happens more often in a minute of the event. A factor below 1 makes the figures worse than true.
- The tracker tells players when to report again, and counts them out when they are overdue, by its
  own clock. So the site is set up in its seconds: ``report.shortest`` and ``report.longest`` are
  divided by the factor, and ``report.rate`` is multiplied by it. ``next`` is then turned into
  seconds of the event, and nobody is overdue.
- It forgets endpoints after sixty seconds without a word. Where ten seconds of the event are more
  than fifty of its clock, they report every fifty.
- A dead endpoint is in the lists for sixty seconds of the wall clock, which are fewer of the event.

**What is not in it.** Streams themselves, and TLS. Viewers share connections as behind a CDN (the
#cdn mark of conf/nginx.conf is taken away for this machine), each with an address of their own. All
have the page in sight, all speak English, nobody changes rooms. Talks begin every 45 seconds, so
that there are two in a window: more come, and pages are fetched more often, than in truth.
"""
