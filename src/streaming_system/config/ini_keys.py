"""The keys of ``[DEFAULT]`` and ``[app:frontend]``, and those of ``[app:tracker]`` that the
commands and libraries read.
"""

from collections.abc import Mapping

from streaming_system.net.push_services import Contact
from streaming_system.util.ini_key import IniKey
from streaming_system.util.validation import Flag, Integer, ParsedText, Url


def _parse_tracker_url(text: str) -> str:
    return text if text.startswith("/") else Url().parse(text)


_FLAG = Flag()
_URL = Url()
_POSITIVE = Integer(1, 10**15, allowed="a whole number above 0")

# The keys of both apps and of the commands.
COMMON_KEYS: Mapping[str, IniKey] = {
    "address": IniKey("The address and port where the site listens, such as `127.0.0.1:8000`"),
    "var": IniKey("The folder of all files that the programs write"),
    "database": IniKey(
        "The tracker's database: `sqlite:////path/file` or "
        "`postgresql+psycopg://user:password@host/name`"
    ),
    "config.public": IniKey("The JSON file of the configuration", see="reference/configuration.md"),
    "config.private": IniKey(
        "The JSON file with the secret and what else overrides the public file",
        see="reference/configuration.md",
    ),
    "config.example": IniKey("The file that replaces a missing private file, for development"),
    "config.overrides": IniKey(
        "The file of what the crew changes on the web, which the tracker writes. The default is "
        "`config.overrides.json` beside the private file",
        see="how-to/crew.md",
    ),
    "events.folder": IniKey(
        "The folder of the conferences below `/NAME/`", see="how-to/several-conferences.md"
    ),
    "workers.folder": IniKey(
        "The folder in which each worker writes which configuration it serves, for the crew and "
        "`streaming-system reload`",
        see="how-to/running.md#changes-while-it-runs",
    ),
    "schedule.file": IniKey("The file that the import writes and the pages read"),
    "schedule.allow_sample": IniKey(
        "Whether the sample event with its invented talks may be imported, for development",
        "false",
        _FLAG,
    ),
    "schedule.follow": IniKey(
        "The source of `schedule follow`: `/schedule/file.json` of another host's frontend",
        field=_URL,
        see="how-to/several-hosts.md#the-schedule",
    ),
    "push.url": IniKey(
        "Where nginx accepts messages for open pages, such as `http://127.0.0.1:8000/push`; "
        "several are separated by spaces. Without it pages poll every five seconds",
        see="how-to/push.md",
    ),
    "plugins.folder": IniKey(
        "The folder of parser plugins besides the built-in and installed ones",
        see="how-to/parsers.md",
    ),
    "reminders.contact": IniKey(
        "The address of the organisers for push services; it turns reminders on",
        field=Contact(),
        see="how-to/reminders.md#turning-them-on",
    ),
    "feed.download": IniKey(
        "The maximum size of a downloaded feed in bytes", "16777216", _POSITIVE
    ),
    "feed.inflated": IniKey(
        "The maximum size of a feed after decompression in bytes", "67108864", _POSITIVE
    ),
    "feed.seconds": IniKey(
        "The maximum time to parse a feed in seconds; also the read timeout of its download, whose "
        "total timeout is four times as long",
        "30",
        _POSITIVE,
    ),
    "feed.memory": IniKey("The maximum memory to parse a feed in bytes", "1073741824", _POSITIVE),
    "outbound.allowed_private_networks": IniKey(
        "The private addresses and networks that feeds, posts and webhooks may use besides public "
        "ones, such as `10.0.5.0/24 192.168.7.2`"
    ),
    "access_log": IniKey(
        "Whether each request is a line of the log", "false", _FLAG, "how-to/running.md#logs"
    ),
    "response_cache.enabled": IniKey(
        "Whether each process caches public responses for a second",
        "true",
        _FLAG,
        "reference/pages.md#how-long-answers-are-kept",
    ),
    "jinja2.bytecode_caching": IniKey(
        "Whether compiled templates are cached in the folder for temporary files, or in "
        "`jinja2.bytecode_caching_directory`",
        "false",
    ),
    "sentry.dsn": IniKey("Where errors go", see="how-to/deploying.md#faults-and-traces"),
    "sentry.environment": IniKey(
        "The name of the environment in Sentry",
        "production",
        see="how-to/deploying.md#faults-and-traces",
    ),
    "otel.endpoint": IniKey(
        "The URL of an OpenTelemetry collector, such as `http://127.0.0.1:4318`, for a span of "
        "each request",
        see="how-to/deploying.md#faults-and-traces",
    ),
    "otel.share": IniKey(
        "The share of requests that have a span, 0 to 1",
        "0.05",
        see="how-to/deploying.md#faults-and-traces",
    ),
}
FRONTEND_KEYS: Mapping[str, IniKey] = {
    "tracker.url": IniKey(
        "Where browsers find the tracker",
        field=ParsedText(_parse_tracker_url, "a path such as /tracker, or an http(s) address"),
    ),
    "tracker.internal_url": IniKey(
        "Where the pages request the live rooms; without it no page shows what is live", field=_URL
    ),
    "brand.folder": IniKey("The folder of the logo, favicon and robots.txt: `brand/README.md`"),
    "preview.folder": IniKey(
        "The folder in which agents write thumbnails of the rooms",
        see="reference/pages.md#preview-pictures",
    ),
    "languages.folder": IniKey(
        "The folder of catalogues of more languages than the included ones",
        see="how-to/languages.md#adding-a-language",
    ),
}
# Besides those of tracker.ini_keys.
TRACKER_KEYS: Mapping[str, IniKey] = {
    "sqlalchemy.url": IniKey(
        "The database, usually `%(database)s`; all other `sqlalchemy.` keys go to the engine"
    ),
    "sqlalchemy.replica.url": IniKey(
        "The read replica for graphs, metrics and the crew's tables",
        see="how-to/postgresql.md#read-replicas",
    ),
    "sqlalchemy.replica.retry": IniKey(
        "The seconds until an unavailable replica is tried again, 1 to 3600", "10"
    ),
    "plugin.webhook.url": IniKey(
        "Where `tracker watch` posts incidents: a webhook of Mattermost, Slack or Matrix. Other "
        "`plugin.` keys go to your own plugins",
        see="how-to/monitoring.md#notifications",
    ),
    "secret.allow_example": IniKey(
        "Whether the tracker accepts the secret of the example, for development", "false", _FLAG
    ),
}
