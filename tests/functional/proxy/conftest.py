"""Sites behind a real nginx."""

import pytest
from programs import require

from .site import VENUE, Site


@pytest.fixture(scope="session")
def nginx():
    """Skip without nginx."""
    require("nginx")


@pytest.fixture(scope="session")
def make_proxied(nginx, tmp_path_factory, migrate):
    """Return a function that starts a site; all sites stop at the end of the session."""
    sites = []

    def make_proxied(*, frontends=1, trackers=0, **more):
        folder = tmp_path_factory.mktemp("proxied")
        site = Site(folder, **more)
        sites.append(site)
        migrate(f"sqlite:///{folder}/var/tracker.sqlite")
        return site.start(frontends=frontends, trackers=trackers)

    yield make_proxied
    for site in sites:
        site.stop()


@pytest.fixture(scope="session")
def proxied(make_proxied):
    """A site with both apps, without a venue."""
    return make_proxied(frontends=2, trackers=2)


@pytest.fixture(scope="session", params=[(), ("venue",)], ids=["without-mark", "with-mark"])
def venue_site(request, make_proxied):
    """A site with separate pages for the venue, with and without the mark."""
    return make_proxied(localips=[f"^{VENUE}$"], marks=request.param)
