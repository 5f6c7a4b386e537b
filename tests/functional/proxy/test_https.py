"""https, as docs/how-to/https.md describes it, with real pebble and certbot."""

import re
import ssl
import threading

import pytest
import urllib3
from programs import require

from .acme import Authority, Shell
from .site import NAME, ROOT, VIEWER, wait_until

CHALLENGE = "/.well-known/acme-challenge/"


def manual_commands():
    """Return the commands of the guide."""
    manual = (ROOT / "docs/how-to/https.md").read_text()
    return re.findall(r"^    (\S.*)", manual, re.MULTILINE)


def serial(site):
    """Return the serial number of the certificate that nginx has."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        urllib3.util.connection.create_connection(("127.0.0.1", site.ports.tls)) as connection,
        context.wrap_socket(connection, server_hostname=NAME) as tls,
    ):
        return hash(tls.getpeercert(binary_form=True))


class Visitors:
    """Requests the site by https, with a new connection each time, until it ends."""

    def __init__(self, site, context):
        self.statuses = []
        self._site, self._context = site, context
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.is_set():
            try:
                self.statuses.append(get(self._site, "/", self._context).status)
            except urllib3.exceptions.HTTPError as error:
                self.statuses.append(repr(error))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()


def get(site, path, context):
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", site.ports.tls, ssl_context=context, server_hostname=NAME,
        assert_hostname=NAME, source_address=(VIEWER, 0), retries=False,
    ) as pool:  # fmt: skip
        return pool.request("GET", path, headers={"Host": NAME}, redirect=False)


@pytest.mark.exhaustive
def test_manual_leads_to_https_that_is_renewed(make_proxied, tmp_path):
    require("openssl", "pebble", "certbot")
    (tmp_path / "www").mkdir()
    site = make_proxied(
        change=[
            ("root /var/www/html", f"root {tmp_path}/www"),
            ("/etc/letsencrypt", f"{tmp_path}/config"),
        ]
    )
    authority = Authority(tmp_path, site.ports.site)
    shell = Shell(tmp_path, site.folder / "nginx/nginx.conf", authority)
    try:
        authority.wait()
        commands = manual_commands()
        assert [command.split()[0] for command in commands] == [
            *("apt-get", "certbot", "sed", "nginx", "certbot")
        ]
        # The site works by http before there is a certificate.
        assert site.get("/").status == 200
        for command in commands:
            shell.run(command)

        context = ssl.create_default_context(cadata=authority.root())
        wait_until(lambda: site.get("/").status == 301, 10, "http redirects")
        page = get(site, "/hall", context)
        assert page.status == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"

        first = serial(site)
        with Visitors(site, context) as visitors:
            # What the timer of certbot does when a certificate is about to expire.
            shell.run("certbot renew --force-renewal")
            wait_until(lambda: serial(site) != first, 10, "nginx has the new certificate")
        assert set(visitors.statuses) == {200}
    finally:
        authority.stop()


def test_challenges_are_files_of_one_folder_only(make_proxied, tmp_path):
    folder = tmp_path / f"www{CHALLENGE}"
    folder.mkdir(parents=True)
    (folder / "token_1-x").write_text("the response")
    (tmp_path / "www/index.html").write_text("another file")
    site = make_proxied(frontends=0, change=[("root /var/www/html", f"root {tmp_path}/www")])

    response = site.get(f"{CHALLENGE}token_1-x")

    assert (response.status, response.data) == (200, b"the response")
    for path in ("", "missing", "../../index.html", "%2e%2e/%2e%2e/index.html", "../index.html"):
        assert site.get(CHALLENGE + path).data != b"another file"
    assert site.get(f"{CHALLENGE}missing").status == 404
