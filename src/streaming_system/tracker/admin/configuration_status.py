"""Which configuration the workers of the site serve, for the crew."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streaming_system.config.worker_records import load_workers


@dataclass(frozen=True, kw_only=True)
class ConfigurationStatus:
    """The configuration in service.

    :param since: when the last worker loaded it, in UTC.
    :param workers: the number of workers that report; 0 without ``workers.folder``.
    :param refusals: why later versions of the files are not in service, each in one line.
    """

    since: datetime
    workers: int
    refusals: tuple[str, ...]


def configuration_status(request: Any) -> ConfigurationStatus:
    """Return the status of this worker and of all that report."""
    own = request.registry["configuration"].status
    workers = load_workers(request.registry.settings)
    refusals = dict.fromkeys([own.refusal, *(worker.refusal for worker in workers)])
    own_since = datetime.fromtimestamp(own.since, UTC)
    return ConfigurationStatus(
        since=max([own_since, *(worker.since for worker in workers)]),
        workers=len(workers),
        refusals=tuple(filter(None, refusals)),
    )
