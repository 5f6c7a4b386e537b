"""One class of request for an app, made when the app is.

Pyramid keeps what ``config.add_request_method`` adds beside the class: for every request it binds
each method anew and makes a class that has the properties, a tenth of a millisecond of which
nobody sees anything. What has been added does not change after the start, so one class can have
it all.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRequestExtensions, IRequestFactory
from pyramid.request import Request

# After all that an app, or who includes it, adds to its requests.
LAST = 10_000


def includeme(config: Configurator) -> None:
    """Make the class of the app's requests, once everything has been added to them.

    Requests of another class, as some would make for ``invoke_subrequest``, have nothing of it:
    ``config.registry.getUtility(IRequestFactory)`` is the class to make them of.
    """
    config.action(None, _fix, args=(config.registry,), order=LAST)


def _fix(registry: Any) -> None:
    extensions = registry.queryUtility(IRequestExtensions)
    if extensions is None:
        return
    parent = registry.queryUtility(IRequestFactory, default=Request)
    own = {"__module__": parent.__module__, "__doc__": parent.__doc__}
    # Functions are methods of whoever has them in its class, and the properties are those that
    # Pyramid would have given to a class of each request.
    made = type(parent.__name__, (parent,), own | extensions.methods | extensions.descriptors)
    registry.registerUtility(made, IRequestFactory)
    registry.unregisterUtility(extensions, IRequestExtensions)
