"""The package: what is installed, from where, and what it needs."""

from setuptools import find_packages, setup

setup(
    name="streaming-system",
    version="0.2.0",
    description="The streaming website of a conference, and the tracker behind it",
    long_description=open("README.md", encoding="utf-8").read(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    # The parsers lie at the top level, where organisers find them as examples, and the migrations
    # where Alembic's command finds them. So do units and nginx's configuration, in conf/.
    packages=[
        *find_packages("src"),
        "streaming_system.parsers",
        "streaming_system.parsers.icalendar",
        "streaming_system.migrations",
        "streaming_system.migrations.versions",
        "streaming_system.production_files",
    ],
    package_dir={
        "": "src",
        "streaming_system.parsers": "parsers",
        "streaming_system.migrations": "alembic",
        "streaming_system.production_files": "conf",
    },
    package_data={
        "streaming_system": ["py.typed", "commit.txt"],
        "streaming_system.event_setup": ["files/**/*"],
        "streaming_system.schedule_import.authoring": ["*.txt"],
        "streaming_system.agent.server_setup": ["templates/*"],
        "streaming_system.production_files": ["**/*"],
        "streaming_system.frontend": ["templates/**/*", "static/**/*", "locale/**/*"],
        "streaming_system.theme": ["examples/**/*"],
        "streaming_system.tracker": ["templates/**/*", "static/**/*"],
        "streaming_system.util": ["*.tsv"],
    },
    install_requires=[
        "alembic>=1.18",
        "argon2-cffi>=25.1",
        "babel>=2.17",
        "brotli>=1.2",
        "cachetools>=8.0",
        "charset-normalizer>=3.4",
        "click>=8.2",
        "colander>=2.0",
        "http-ece>=1.2",
        "icalendar>=7.0",
        "json5>=0.12",
        "limits>=5.0",
        "linkify-it-py>=2.0",
        "lxml>=6.0",
        "m3u8>=6.0",
        "markdown-it-py>=4.0",
        "maxminddb>=3.0",
        "nh3>=0.3",
        "plaster-pastedeploy>=1.0",
        "pluggy>=1.6",
        "prometheus-client>=0.23",
        "psutil>=7.2",
        "py-vapid>=1.9",
        "pyotp>=2.12",
        "pyramid>=2.1",
        "pyramid_jinja2>=2.10",
        "pyramid_tm>=2.6",
        "python-dateutil>=2.9",
        "python-json-logger>=4.0",
        "recurring-ical-events>=3.8",
        "rutter>=1.0",
        "segno>=1.6",
        # Pyramid 2.1 imports pkg_resources, of which later versions warn at every start.
        "setuptools<80.9",
        "SQLAlchemy>=2.1",
        "tinycss2>=1.5",
        "tzdata",
        "urllib3>=2.5",
        "waitress>=3.0.2",
        "zope.sqlalchemy>=4.0",
        "zxcvbn>=4.5",
    ],
    extras_require={
        "postgresql": ["psycopg[binary]>=3.2"],
        "redis": ["redis>=6.0"],
        "sentry": ["sentry-sdk>=2.40"],
        "otel": [
            "opentelemetry-sdk>=1.37",
            "opentelemetry-exporter-otlp-proto-http>=1.37",
        ],
    },
    entry_points={
        "paste.app_factory": [
            "frontend = streaming_system.frontend:main",
            "tracker = streaming_system.tracker:main",
        ],
        "paste.filter_factory": [
            "behind_proxy = streaming_system.web.proxy_headers:proxy_headers_filter"
        ],
        "paste.server_runner": ["server = streaming_system.web.server:serve"],
        "console_scripts": [
            "streaming-system = streaming_system.cli:main",
            # Instead of Pyramid's own script, which it calls.
            "pserve = streaming_system.web.pserve:main",
        ],
    },
)
