"""The admin pages of endpoints, tokens, annotations, accounts and the audit log."""

from typing import Any

from pyramid.view import view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.admin.configuration_status import configuration_status
from streaming_system.tracker.crew.accounts import ROLES
from streaming_system.tracker.crew.audit import action_label
from streaming_system.tracker.crew.crew import parse_time, token_scope_label
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.tokens import SCOPES
from streaming_system.tracker.models import Token
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action


@view_config(
    route_name="admin", renderer=f"{TEMPLATE_DIR}/overview.jinja2", http_cache=0, **PAGE_VIEW
)
def overview(request: Any) -> dict[str, Any]:
    """Show the number of objects on each page, and the latest actions."""
    alive = request.endpoints.alive(now=request.now)
    return {
        "alive": len(alive),
        "streams": sum(len(endpoint.ingest) for endpoint in alive),
        "stream_keys": sum(key.is_valid(request.now) for key in request.stream_keys.all()),
        "silent": len(request.endpoints.recently_expired(now=request.now)),
        "tokens": sum(token.revoked_at is None for token in request.tokens.all()),
        "annotations": len(request.annotations.latest()),
        "accounts": len(request.accounts.all()),
        "configuration": configuration_status(request),
        "latest": request.audit.latest(5),
        "label": action_label,
    }


@view_defaults(
    route_name="admin.endpoints", renderer=f"{TEMPLATE_DIR}/endpoints.jinja2", http_cache=0
)
class EndpointPage(AdminPage):
    """Endpoints: the crew can drain them."""

    route = "admin.endpoints"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the endpoints."""
        return self.page()

    @view_config(**action("drain"))
    def drain(self) -> Any:
        """Drain an endpoint."""
        return self.handle_post(forms.ENDPOINT_FORM, lambda submitted: self._drain(submitted, True))

    @view_config(**action("undrain"))
    def undrain(self) -> Any:
        """Stop draining an endpoint."""
        return self.handle_post(
            forms.ENDPOINT_FORM, lambda submitted: self._drain(submitted, False)
        )

    def _drain(self, submitted: Any, drained: bool) -> str:
        message: str = self.request.crew.drain(
            room=submitted["room"], name=submitted["name"], drained=drained, now=self.request.now
        )
        return message

    def content(self) -> dict[str, Any]:
        """Return the endpoints, by the order of the rooms and by name."""
        endpoints, now = self.request.endpoints, self.request.now
        number = self.request.configuration.room_number
        return {
            "now": now,
            "alive": sorted(
                endpoints.alive(now=now), key=lambda e: (number(e.room), e.room, e.name)
            ),
            "silent": endpoints.recently_expired(now=now),
            "last_resorts": self.request.directory.last_resorts(now=now),
        }


@view_defaults(route_name="admin.tokens", renderer=f"{TEMPLATE_DIR}/tokens.jinja2", http_cache=0)
class TokenPage(AdminPage):
    """API tokens."""

    route = "admin.tokens"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the tokens without their texts."""
        return self.page()

    @view_config(**action("issue"))
    def issue(self) -> Any:
        """Issue a token and show its text, which cannot be retrieved again.

        The page is the response to the form: a redirect would have to store the text.
        """
        try:
            submitted = forms.parse_form(forms.TOKEN_FORM, self.request.POST)
            token, text = self.request.crew.issue_token(**submitted, now=self.request.now)
        except CrewError as error:
            return self.render_error(str(error))
        return self.page(
            issued=token, text=text, caption_address=self._caption_address(token, text)
        )

    @view_config(**action("revoke"))
    def revoke(self) -> Any:
        """Revoke a token."""
        return self.handle_post(
            forms.ROW_ACTION_FORM,
            lambda submitted: self.request.crew.revoke_token(submitted["id"], now=self.request.now),
        )

    def content(self) -> dict[str, Any]:
        """Return the tokens, newest first."""
        return {
            "tokens": self.request.tokens.all(),
            "reach": token_scope_label,
            "scopes": SCOPES,
            "rooms": self.request.conference.groups,
            "issued": None,
            "text": "",
            "caption_address": "",
        }

    def _caption_address(self, token: Token, text: str) -> str:
        """Return the address that a captioner's program sends text to; "" for other tokens."""
        if token.scope != "captions":
            return ""
        address: str = self.request.route_url(
            "captions.push", room=token.room, _query={"token": text}
        )
        return address


@view_defaults(
    route_name="admin.annotations", renderer=f"{TEMPLATE_DIR}/annotations.jinja2", http_cache=0
)
class AnnotationPage(AdminPage):
    """Annotations of the graphs."""

    route = "admin.annotations"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the annotations."""
        return self.page()

    @view_config(**action("add"))
    def add(self) -> Any:
        """Add an annotation."""
        return self.handle_post(forms.ANNOTATION_FORM, self._add)

    @view_config(**action("remove"))
    def remove(self) -> Any:
        """Delete an annotation."""
        return self.handle_post(
            forms.ROW_ACTION_FORM,
            lambda submitted: self.request.crew.remove_annotation(
                submitted["id"], now=self.request.now
            ),
        )

    def _add(self, submitted: Any) -> str:
        now = self.request.now
        message: str = self.request.crew.annotate(
            at=parse_time(submitted["at"], now=now),
            label=submitted["label"],
            room=submitted["room"],
            now=now,
        )
        return message

    def content(self) -> dict[str, Any]:
        """Return the annotations, newest first."""
        return {
            "now": self.request.now,
            "annotations": self.request.annotations.latest(),
            "rooms": self.request.conference.rooms,
        }


@view_defaults(
    route_name="admin.accounts", renderer=f"{TEMPLATE_DIR}/accounts.jinja2", http_cache=0
)
class AccountPage(AdminPage):
    """Accounts of the crew."""

    route = "admin.accounts"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the accounts."""
        return self.page()

    @view_config(**action("create"))
    def create(self) -> Any:
        """Create an account."""
        return self.handle_post(forms.ACCOUNT_FORM, self._create)

    @view_config(**action("role"))
    def role(self) -> Any:
        """Change the role of an account."""
        return self.handle_post(
            forms.ACCOUNT_FORM,
            lambda submitted: self.request.crew.set_role(
                name=submitted["name"], role=submitted["role"], now=self.request.now
            ),
        )

    @view_config(**action("reset"))
    def reset(self) -> Any:
        """Set the password of an account."""
        return self.handle_post(forms.ACCOUNT_FORM, self._reset)

    @view_config(**action("reset-factor"))
    def reset_second_factor(self) -> Any:
        """Remove the second factor of an account."""
        return self.handle_post(
            forms.ACCOUNT_FORM,
            lambda submitted: self.request.crew.reset_second_factor(
                name=submitted["name"], now=self.request.now
            ),
        )

    @view_config(**action("unlock"))
    def unlock(self) -> Any:
        """End the lockouts of an account."""
        return self.handle_post(
            forms.ACCOUNT_FORM,
            lambda submitted: self.request.crew.unlock_account(
                name=submitted["name"], now=self.request.now
            ),
        )

    @view_config(**action("delete"))
    def delete(self) -> Any:
        """Delete an account."""
        return self.handle_post(
            forms.ACCOUNT_FORM,
            lambda submitted: self.request.crew.delete_account(
                name=submitted["name"], now=self.request.now
            ),
        )

    def _create(self, submitted: Any) -> str:
        _require_matching_passwords(submitted)
        message: str = self.request.crew.create_account(
            name=submitted["name"],
            password=submitted["password"],
            role=submitted["role"],
            now=self.request.now,
        )
        return f"{message}."

    def _reset(self, submitted: Any) -> str:
        _require_matching_passwords(submitted)
        if submitted["name"] == self.request.identity.name:
            return self.change_own_password(submitted["old"], submitted["password"])
        message: str = self.request.crew.reset_password(
            name=submitted["name"], password=submitted["password"], now=self.request.now
        )
        return message

    def content(self) -> dict[str, Any]:
        """Return the accounts, sorted by name."""
        return {"accounts": self.request.accounts.all(), "roles": ROLES}


@view_config(
    route_name="admin.audit", renderer=f"{TEMPLATE_DIR}/audit.jinja2", http_cache=0, **PAGE_VIEW
)
def audit(request: Any) -> dict[str, Any]:
    """Show the actions, or the failed logins, of all accounts or of one."""
    accounts = request.audit.accounts()
    requested = request.GET.get("account", "")
    selected = requested if requested in accounts else ""
    failed_logins = request.GET.get("show") == "failures"
    return {
        "accounts": accounts,
        "chosen": selected,
        "failures": failed_logins,
        "label": action_label,
        "entries": request.audit.latest(account=selected or None, failed_logins=failed_logins),
    }


def _require_matching_passwords(submitted: Any) -> None:
    if submitted["password"] != submitted["again"]:
        raise CrewError("the two passwords are not the same")
