"""Pages through nginx as it is installed, beside files that the same nginx serves."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from functional.agent.servers import free_port
from functional.proxy.site import NAME, Site
from machine import children

from .load import Call
from .plan import Plan
from .rows import Found
from .rows_pages import PAGES
from .servers import Side, Streams, a_site, ask

NAMES = tuple(f"nginx-{page}{zipped}" for page in PAGES for zipped in ("", "-gzip"))
STATIC = """
server {{
    listen 127.0.0.1:{port};
    server_name {name};
    access_log off;
    charset utf-8;
    root {folder};
{compression}
}}
"""


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure rows of nginx before two workers of each app."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with a_site(folder / "site") as site:
            files = folder / "files"
            files.mkdir(mode=0o755)
            static = serve_files(site, files)
            site.start(frontends=2, trackers=2)
            streams = Streams(site.ports.tracker[0])
            streams.keep()
            # All of it is done by nginx's one worker.
            [worker] = children(site.nginx.process.pid)[1:2]
            for name in names:
                page = name.split("-")[1]
                call = Call(path=PAGES[page])
                status, _, body = ask(site.ports.site, call)
                assert status == 200, (call, status, body[:200])
                (files / f"{page}.html").write_bytes(body)
                how = {"headers": {"Accept-Encoding": "gzip"} if name.endswith("gzip") else {}}
                yield (
                    name,
                    plan.compare(
                        Side(site.ports.site, call, folder, pid=worker, **how),
                        Side(static, Call(path=f"/{page}.html"), folder, pid=worker, **how),
                        before=streams.keep,
                    ),
                )


def serve_files(site: Site, folder: Path) -> int:
    """Have the site's nginx serve a folder at a port of its own, with the same compression."""
    port = free_port()
    conf = site.folder / "nginx/site.conf"
    text = conf.read_text()
    compression = re.search(r"^ *gzip on;\n(?: +.*\n)*?.*text/xml;\n", text, re.MULTILINE)[0]
    conf.write_text(
        text + STATIC.format(port=port, name=NAME, folder=folder, compression=compression)
    )
    return port
