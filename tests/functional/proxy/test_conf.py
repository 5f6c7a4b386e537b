"""conf/nginx.conf as it is, and with each of its marks taken away."""

import gzip
import re
import ssl
import subprocess

import brotli
import pytest
import urllib3

from ..agent.servers import needs
from .site import NAME, NCHAN, ROOT, VIEWER, Ports, check, filled_in, take

MARKS = ("https", "cdn", "log", "venue", "push")
DECODE = {"gzip": gzip.decompress, "br": brotli.decompress}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of a test, as pairs of what the file says and what is there."""
    folder = tmp_path_factory.mktemp("certificate")
    key, chain = folder / "privkey.pem", folder / "fullchain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return [(f"/etc/letsencrypt/live/{NAME}", str(folder))]


@pytest.mark.parametrize("marks", [(), *[(mark,) for mark in MARKS], MARKS])
def test_nginx_takes_it(nginx, tmp_path, certificate, marks):
    needs("libnginx-mod-nchan", "push" not in marks or NCHAN.exists())
    config = filled_in(tmp_path, Ports.free(), marks, certificate)

    status, said = check(config)

    assert status == 0, said
    assert "[warn]" not in said


def test_every_mark_is_explained_and_does_something():
    text = (ROOT / "conf/nginx.conf").read_text()

    assert set(re.findall(r"^ *#(\w+) ", text, re.MULTILINE)) == set(MARKS)
    for mark in MARKS:
        assert f"#   #{mark} " in text
        assert take(text, mark) != text


def test_every_language_of_ours_is_one_of_nginx():
    text = (ROOT / "conf/nginx.conf").read_text()
    folder = ROOT / "src/streaming_system/frontend/locale"

    listed = re.search(r"<streaming_liked>([^)]*)\)", text)[1].split("|")

    ours = {path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/*.po")}
    assert set(listed) == {"en"} | {name.replace("_", "-") for name in ours}


def test_with_the_mark_everything_goes_by_https(make_proxied, certificate):
    site = make_proxied(marks=("https",), change=certificate)
    port = site.ports.site + 1
    trusted = ssl.create_default_context(cafile=f"{certificate[0][1]}/fullchain.pem")
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", port, ssl_context=trusted, server_hostname=NAME, assert_hostname=NAME,
        source_address=(VIEWER, 0), retries=False,
    ) as pool:  # fmt: skip
        page = pool.request("GET", "/hall", headers={"Host": NAME})
        # There is no tracker, and nginx answers itself.
        others = [
            pool.request("GET", "/tracker/streams.js", headers={"Host": NAME}),
            pool.request("POST", "/hall", headers={"Host": NAME, "Content-Length": "99999"}),
        ]
        site.kill("frontend")
        others.append(pool.request("GET", "/lab", headers={"Host": NAME}))
    assert page.status == 200
    assert [other.status for other in others] == [503, 413, 503]
    for other in others:
        assert other.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    # Addresses in it are those of https.
    assert f"https://{NAME}/".encode() in page.data
    assert f"http://{NAME}/".encode() not in page.data
    away = site.get("/hall?x")
    assert (away.status, away.headers["Location"]) == (301, f"https://{NAME}/hall?x")
    # No other name is answered, not even with a certificate.
    other = ssl.create_default_context()
    with (
        urllib3.HTTPSConnectionPool(
            "127.0.0.1", port, ssl_context=other, server_hostname="evil.example", retries=False
        ) as pool,
        pytest.raises(urllib3.exceptions.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        pool.request("GET", "/")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        # Whoever says it in detail is served by nginx itself.
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("deflate", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("address", ["/", "/schedule", "{site.css}"])
def test_each_gets_what_it_takes(proxied, accepted, coding, address):
    page = proxied.get("/").data
    if address.startswith("{"):
        address = re.search(rb'"(/static/[0-9a-f]+/site\.css)"', page)[1].decode()
    whole = proxied.get(address, headers={"Accept-Encoding": "identity"}, decode_content=False)

    # The first fills the cache, the second comes from it.
    for _ in range(2):
        answer = proxied.get(address, headers={"Accept-Encoding": accepted}, decode_content=False)
        assert answer.headers.get("Content-Encoding") == coding
        assert "Accept-Encoding" in answer.headers["Vary"]
        if coding is None:
            assert answer.data == whole.data
        else:
            assert DECODE[coding](answer.data)[:15] == whole.data[:15]
            assert len(answer.data) < len(whole.data) / 2
