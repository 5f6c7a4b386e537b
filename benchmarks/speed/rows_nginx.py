"""Pages through the site's nginx, compared with static files of the same nginx."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from functional.agent.servers import free_port
from functional.proxy.site import NAME, Site
from machine import process_tree

from .load import HttpCall
from .plan import MeasurementPlan
from .rows import RowResult
from .rows_pages import PAGES
from .servers import LiveStreams, LoadTarget, make_site, send_call

NAMES = tuple(f"nginx-{page}{zipped}" for page in PAGES for zipped in ("", "-gzip"))
STATIC_SERVER = """
server {{
    listen 127.0.0.1:{port};
    server_name {name};
    access_log off;
    charset utf-8;
    root {folder};
{compression}
}}
"""


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure nginx with two workers of each app."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with make_site(folder / "site") as site:
            files = folder / "files"
            files.mkdir(mode=0o755)
            static = serve_files(site, files)
            site.start(frontends=2, trackers=2)
            streams = LiveStreams(site.ports.tracker[0])
            streams.register()
            # One worker of nginx handles all requests.
            [worker] = process_tree(site.nginx.process.pid)[1:2]
            for name in names:
                page = name.split("-")[1]
                call = HttpCall(path=PAGES[page])
                status, _, body = send_call(site.ports.site, call)
                assert status == 200, (call, status, body[:200])
                (files / f"{page}.html").write_bytes(body)
                options = {"headers": {"Accept-Encoding": "gzip"} if name.endswith("gzip") else {}}
                yield (
                    name,
                    plan.compare(
                        LoadTarget(site.ports.site, call, folder, pid=worker, **options),
                        LoadTarget(
                            static, HttpCall(path=f"/{page}.html"), folder, pid=worker, **options
                        ),
                        before=streams.register,
                    ),
                )


def serve_files(site: Site, folder: Path) -> int:
    """Let the site's nginx serve a folder at another port, with the same compression."""
    port = free_port()
    conf = site.folder / "nginx/site.conf"
    text = conf.read_text()
    compression = re.search(r"^ *gzip on;\n(?: +.*\n)*?.*text/xml;\n", text, re.MULTILINE)[0]
    conf.write_text(
        text + STATIC_SERVER.format(port=port, name=NAME, folder=folder, compression=compression)
    )
    return port
