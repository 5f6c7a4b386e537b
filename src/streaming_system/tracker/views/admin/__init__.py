"""The pages that the crew logs in to. They work without JavaScript."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import colander
from pyramid.httpexceptions import HTTPSeeOther

from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.web.health import READ_METHODS

TEMPLATE_DIR = "streaming_system.tracker:templates/admin"
# How a page is shown, and how one of its forms is taken: the form says what it does.
PAGE_VIEW: dict[str, Any] = {"request_method": READ_METHODS, "permission": "look"}


def action(deed: str, permission: str = "admin") -> dict[str, Any]:
    """Return the options of a view that takes a form with a button of this name."""
    return {
        "request_method": "POST",
        "request_param": f"do={deed}",
        "permission": permission,
    }


class AdminPage:
    """A page with forms: it is shown, a form is sent, and it is shown again with what came of it.

    Subclasses name their route and tell what they show.
    """

    route = ""

    def __init__(self, request: Any) -> None:
        self.request = request

    def content(self) -> dict[str, Any]:
        """Return what the template shows."""
        raise NotImplementedError

    def page(self, **more: Any) -> dict[str, Any]:
        """Return the page, with an ``error`` beside the form that ``failed``, if any."""
        return {"error": "", "failed": "", "typed": {}, **self.content(), **more}

    def take(self, form: colander.SchemaNode, deed: Callable[[Mapping[str, Any]], str]) -> Any:
        """Do what a form asks for and go back to the page, or say beside the form why not."""
        try:
            line = deed(forms.parse_form(form, self.request.POST))
        except CrewError as error:
            return self.refuse(str(error))
        self.request.session.flash(line)
        return HTTPSeeOther(self.request.route_path(self.route))

    def refuse(self, error: str) -> dict[str, Any]:
        """Show the page with what was typed and why it will not do. Nothing is kept."""
        self.request.tm.doom()
        self.request.response.status = 400
        typed = {
            name: value
            for name, value in self.request.POST.items()
            if isinstance(value, str) and name not in ("password", "again", "old", "new")
        }
        return self.page(error=error, failed=typed.get("do", ""), typed=typed)

    def later(self, seconds: int) -> dict[str, Any]:
        """Show the page to somebody who has to wait so many seconds."""
        span, unit = (seconds, "second") if seconds < 120 else (math.ceil(seconds / 60), "minute")
        span_of_time = f"{span} {unit}" if span == 1 else f"{span} {unit}s"
        refused = self.refuse(f"too many attempts; try again in {span_of_time}")
        self.request.response.status = 429
        self.request.response.headers["Retry-After"] = str(seconds)
        return refused
