"""Sites behind a real nginx."""

import pytest

from ..agent.servers import needs, where
from .site import VENUE, Site


@pytest.fixture(scope="session")
def nginx():
    """Skip where there is no nginx."""
    needs("nginx", where("nginx"))


@pytest.fixture(scope="session")
def make_proxied(nginx, tmp_path_factory, migrate):
    """Return a function that starts a site; all end with the tests."""
    made = []

    def make_proxied(*, frontends=1, trackers=0, **more):
        folder = tmp_path_factory.mktemp("proxied")
        site = Site(folder, **more)
        made.append(site)
        migrate(f"sqlite:///{folder}/var/tracker.sqlite")
        return site.start(frontends=frontends, trackers=trackers)

    yield make_proxied
    for site in made:
        site.stop()


@pytest.fixture(scope="session")
def proxied(make_proxied):
    """A site without a venue, with both apps."""
    return make_proxied(frontends=2, trackers=2)


@pytest.fixture(scope="session", params=[(), ("venue",)], ids=["without-mark", "with-mark"])
def venue_site(request, make_proxied):
    """A site whose venue gets pages of its own; the mark only makes it faster."""
    return make_proxied(localips=[f"^{VENUE}$"], marks=request.param)
