"""Admin pages, which the crew logs in to. They work without JavaScript."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import colander
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.security import remember

from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.logins import LoginResult
from streaming_system.tracker.models import Account
from streaming_system.web.health import READ_METHODS

TEMPLATE_DIR = "streaming_system.tracker:templates/admin"
# The options of a view that shows a page.
PAGE_VIEW: dict[str, Any] = {"request_method": READ_METHODS, "permission": "view"}

OWN_PAGE_VIEW = PAGE_VIEW | {"permission": "own"}
# Fields that a page with an error does not repeat.
SECRET_FIELDS = ("password", "again", "old", "new", "code")


def action(name: str, permission: str = "admin") -> dict[str, Any]:
    """Return the options of a view that handles the form with this value of the field ``do``."""
    return {
        "request_method": "POST",
        "request_param": f"do={name}",
        "permission": permission,
    }


class LockoutError(Exception):
    """Too many failed attempts.

    :ivar seconds: until the next attempt.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts; wait {seconds} s")
        self.seconds = seconds


class AdminPage:
    """A page with forms. A valid form redirects to the page, an invalid one shows it with an error.

    Subclasses define the route and the content.
    """

    route = ""

    def __init__(self, request: Any) -> None:
        self.request = request

    def content(self) -> dict[str, Any]:
        """Return the variables of the template."""
        raise NotImplementedError

    def page(self, **variables: Any) -> dict[str, Any]:
        """Return the page, optionally with an ``error`` at the form that ``failed``."""
        return {"error": "", "failed": "", "typed": {}, **self.content(), **variables}

    def handle_post(
        self, form: colander.SchemaNode, execute: Callable[[Mapping[str, Any]], str]
    ) -> Any:
        """Execute a form and redirect to the page, or show the error at the form.

        :param execute: takes the validated fields, and returns a message for the page.
        """
        try:
            message = execute(forms.parse_form(form, self.request.POST))
        except CrewError as error:
            return self.render_error(str(error))
        except LockoutError as error:
            return self.render_lockout(error.seconds)
        self.request.session.flash(message)
        return HTTPSeeOther(self.request.route_path(self.route))

    def render_error(self, error: str) -> dict[str, Any]:
        """Roll back, and show the page with the submitted values and the error."""
        self.request.tm.doom()
        self.request.response.status = 400
        submitted = {
            name: value
            for name, value in self.request.POST.items()
            if isinstance(value, str) and name not in SECRET_FIELDS
        }
        return self.page(error=error, failed=submitted.get("do", ""), typed=submitted)

    def verify_own_password(self, password: str, code: str | None = None) -> LoginResult:
        """Verify the password of the logged-in account, and a code of its second factor.

        The transaction of the request ends, and another one begins.

        :param code: ``None`` if the password is enough.
        :raises CrewError: if they are wrong.
        :raises LockoutError: after too many failures.
        """
        request = self.request
        name = request.identity.name
        # The identity check began a write transaction. It must not block reports during the slow
        # verification of the password.
        request.tm.abort()
        request.tm.begin()
        login: LoginResult = request.logins.verify(
            name, password, client=request.login_client(name), now=request.now, code=code
        )
        if login.retry_after:
            raise LockoutError(login.retry_after)
        if login.account is None:
            raise CrewError(
                "the old password is wrong" if code is None else "the password or the code is wrong"
            )
        return login

    def change_own_password(self, old: str, new: str) -> str:
        """Change the password of the logged-in account, which ends its other sessions.

        :raises CrewError: if a password is wrong or not allowed.
        :raises LockoutError: after too many failures.
        """
        login = self.verify_own_password(old)
        account = self.request.crew.change_password(
            verified_hash=login.password_hash, new=new, now=self.request.now
        )
        self.continue_session(account)
        return "Your password is changed; all other sessions have ended."

    def continue_session(self, account: Account) -> None:
        """Start another session after a change that has ended all sessions of the account."""
        remember(self.request, account.id, session_generation=account.session_generation)

    def render_lockout(self, seconds: int) -> dict[str, Any]:
        """Show the page with the time until the lockout ends."""
        number, unit = (seconds, "second") if seconds < 120 else (math.ceil(seconds / 60), "minute")
        duration = f"{number} {unit}" if number == 1 else f"{number} {unit}s"
        page = self.render_error(f"too many attempts; try again in {duration}")
        self.request.response.status = 429
        self.request.response.headers["Retry-After"] = str(seconds)
        return page
