"""WSGI apps that live as long as the test session, one for each set of settings.

Building an app takes Pyramid longer than most tests take. An app is therefore built once, and
:class:`Checkpoint` puts what it holds in memory (caches, counters, clocks) back to what it was
right after its start, so that no test sees what another one did.
"""

import copy
import hashlib
from collections import OrderedDict, deque
from pathlib import Path
from types import ModuleType

from cachetools import Cache

# Only state of these packages changes with requests; SQLAlchemy's engine stays as it is.
STATEFUL_PACKAGES = ("streaming_system.", "prometheus_client.", "limits.")
CONTAINERS = (dict, list, set, deque, Cache)
MAX_APPS = 12


class Checkpoint:
    """The state of all objects that can be reached from some roots, to go back to."""

    def __init__(self, *roots):
        self._saved = []
        self._seen = set()
        waiting = list(roots)
        while waiting:
            self._visit(waiting.pop(), waiting)

    def _visit(self, item, waiting):
        if id(item) in self._seen:
            return
        self._seen.add(id(item))
        if isinstance(item, CONTAINERS):
            content = copy.copy(item)
            # The reference keeps the object alive, so that its id stays its own.
            self._saved.append((item, content))
            waiting.extend(content.values() if isinstance(item, dict | Cache) else content)
        elif isinstance(item, tuple):
            waiting.extend(item)
        elif callable(item) and getattr(item, "__closure__", None):
            waiting.extend(filled(item.__closure__))
        elif (owner := getattr(item, "__self__", None)) and not isinstance(owner, ModuleType):
            waiting.append(owner)
        elif is_stateful(item):
            waiting.append(vars(item))

    def restore(self):
        """Put every object back to the state it had when this was made, in place."""
        for item, content in self._saved:
            item.clear()
            (item.extend if isinstance(item, list | deque) else item.update)(content)


def filled(closure):
    """Return what the cells of a closure hold, but for those without a value yet."""
    found = []
    for cell in closure:
        try:
            found.append(cell.cell_contents)
        except ValueError:
            continue
    return found


def is_stateful(item):
    """Return whether requests can change an object's attributes."""
    kind = type(item)
    return (
        hasattr(item, "__dict__")
        and not isinstance(item, type | ModuleType)
        and kind.__module__.startswith(STATEFUL_PACKAGES)
    )


class AppPool:
    """Builds apps, and hands one out again to the next test with the same settings.

    :param folder: the folder that the tests write into; the files that an app finds there at its
        start are part of its settings.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._apps = OrderedDict()

    def get(self, build, settings, worker=0):
        """Return the app of some settings, as it is right after its start.

        :param build: the app factory of the frontend or of the tracker.
        :param worker: another one gets an app of its own, as another process would have.
        """
        key = build, tuple(sorted(settings.items(), key=str)), self._digest(), worker
        if found := self._apps.pop(key, None):
            found.checkpoint.restore()
        else:
            found = PooledApp(build({}, **settings))
        self._apps[key] = found
        if len(self._apps) > MAX_APPS:
            self._apps.popitem(last=False)[1].close()
        return found.app

    def close(self):
        """Close the connections of all apps."""
        while self._apps:
            self._apps.popitem()[1].close()

    def _digest(self):
        digest = hashlib.sha256()
        for path in sorted(self._folder.rglob("*")):
            if path.is_file():
                digest.update(f"{path}\0".encode() + path.read_bytes() + b"\0")
        return digest.digest()


class PooledApp:
    """An app and its state right after its start."""

    def __init__(self, app):
        self.app = app
        self.registry = app.registry
        self.checkpoint = Checkpoint(app, app.registry, vars(app.registry))

    def close(self):
        """Close the connections to the database, if it has any."""
        if "db.sessions" in self.registry:
            self.registry["db.sessions"].kw["bind"].dispose()
