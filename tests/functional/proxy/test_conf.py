"""conf/nginx.conf, without and with each of its marks."""

import configparser
import gzip
import re
import ssl
import subprocess

import brotli
import pytest
import urllib3
from programs import require

from streaming_system.frontend.query_params import PARAMS

from .site import NAME, ROOT, VIEWER, Ports, check_nginx_config, remove_mark, write_nginx_config

# Cache keys of later news and later previews.
FOR_NGINX_ONLY = {"told", "at"}
MARKS = ("https", "cdn", "log", "venue", "push")
DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A test certificate, as a replacement of the path in nginx.conf."""
    require("openssl")
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
def test_nginx_accepts_the_configuration(nginx, tmp_path, certificate, marks):
    if "push" in marks:
        require("ngx_nchan_module")
    config = write_nginx_config(tmp_path, Ports.free(), marks, certificate)

    status, messages = check_nginx_config(config)

    assert status == 0, messages
    assert "[warn]" not in messages


def test_each_mark_is_documented_and_has_an_effect():
    text = (ROOT / "conf/nginx.conf").read_text()

    assert set(re.findall(r"^ *#(\w+) ", text, re.MULTILINE)) == set(MARKS)
    for mark in MARKS:
        assert f"#   #{mark} " in text
        assert remove_mark(text, mark) != text


def test_nginx_knows_all_languages_of_the_site():
    text = (ROOT / "conf/nginx.conf").read_text()
    folder = ROOT / "src/streaming_system/frontend/locale"

    listed = re.search(r"<streaming_known_language>([^)]*)\)", text)[1].split("|")

    languages = {path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/*.po")}
    assert set(listed) == {"en"} | {name.replace("_", "-") for name in languages}


def test_nginx_forwards_the_parameters_that_the_app_knows():
    text = (ROOT / "conf/nginx.conf").read_text()

    maps = re.findall(
        r'^map \$args (\$streaming_\w+) \{ default ""; '
        r'"~\(\?:\^\|&\)\(\?<arg_of_(\w+)>(\w+)=\[\^&\]\+\)" "&\$arg_of_(\w+)"; \}$',
        text,
        re.MULTILINE,
    )

    assert {name for _, name, _, _ in maps} == PARAMS.keys() | FOR_NGINX_ONLY
    assert all(capture == name == used for _, capture, name, used in maps)
    question = re.search(r'^map "([^"]*)" \$streaming_query', text, re.MULTILINE)[1]
    assert question == "".join(variable for variable, *_ in maps)


def test_requests_leave_the_queue_before_nginx_gives_up():
    ini = configparser.RawConfigParser()
    ini.read(ROOT / "production.ini")
    text = (ROOT / "conf/nginx.conf").read_text()
    default, *others = (int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s", text))

    assert others == [4, 30]
    assert ini.getint("server:frontend", "queue_timeout") < 4
    assert ini.getint("server:tracker", "queue_timeout") < default == 10


def test_https_mark_redirects_everything_to_https(make_proxied, certificate):
    site = make_proxied(marks=("https",), change=certificate)
    port = site.ports.tls
    trusted = ssl.create_default_context(cafile=f"{certificate[0][1]}/fullchain.pem")
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", port, ssl_context=trusted, server_hostname=NAME, assert_hostname=NAME,
        source_address=(VIEWER, 0), retries=False,
    ) as pool:  # fmt: skip
        page = pool.request("GET", "/hall", headers={"Host": NAME})
        # Without a tracker, nginx responds itself.
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
    assert f"https://{NAME}/".encode() in page.data
    assert f"http://{NAME}/".encode() not in page.data
    redirect = site.get("/hall?x")
    assert (redirect.status, redirect.headers["Location"]) == (301, f"https://{NAME}/hall?x")
    # TLS connections for other names are refused.
    other = ssl.create_default_context()
    with (
        urllib3.HTTPSConnectionPool(
            "127.0.0.1", port, ssl_context=other, server_hostname="evil.example", retries=False
        ) as pool,
        pytest.raises(urllib3.exceptions.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        pool.request("GET", "/")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        # nginx compresses itself for headers with quality values.
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("deflate", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("address", ["/", "/schedule", "{site.css}"])
def test_response_has_the_accepted_encoding(proxied, accepted, encoding, address):
    page = proxied.get("/").data
    if address.startswith("{"):
        address = re.search(rb'"(/static/[0-9a-f]+/site\.css)"', page)[1].decode()
    identity = proxied.get(address, headers={"Accept-Encoding": "identity"}, decode_content=False)

    # The second response comes from the cache.
    for _ in range(2):
        response = proxied.get(address, headers={"Accept-Encoding": accepted}, decode_content=False)
        assert response.headers.get("Content-Encoding") == encoding
        assert "Accept-Encoding" in response.headers["Vary"]
        if encoding is None:
            assert response.data == identity.data
        else:
            assert DECODERS[encoding](response.data)[:15] == identity.data[:15]
            assert len(response.data) < len(identity.data) / 2
