"""What the crew looks after."""

from typing import Any

from pyramid.view import view_config, view_defaults

from streaming_system.tracker.admin import forms
from streaming_system.tracker.crew.accounts import ROLES
from streaming_system.tracker.crew.crew import parse_time, token_scope_label
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.tokens import SCOPES
from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR, AdminPage, action


@view_config(
    route_name="admin", renderer=f"{TEMPLATE_DIR}/overview.jinja2", http_cache=0, **PAGE_VIEW
)
def overview(request: Any) -> dict[str, Any]:
    """Show what there is, and how much of it."""
    return {
        "alive": len(request.endpoints.alive(now=request.now)),
        "silent": len(request.endpoints.silent(now=request.now)),
        "tokens": sum(token.revoked_at is None for token in request.tokens.all()),
        "annotations": len(request.annotations.latest()),
        "accounts": len(request.accounts.all()),
        "latest": request.audit.latest(5),
    }


@view_defaults(
    route_name="admin.endpoints", renderer=f"{TEMPLATE_DIR}/endpoints.jinja2", http_cache=0
)
class EndpointPage(AdminPage):
    """The servers that stream, and whether they are sent viewers."""

    route = "admin.endpoints"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show them."""
        return self.page()

    @view_config(**action("drain"))
    def drain(self) -> Any:
        """Send one no new viewers."""
        return self.take(forms.ENDPOINT_FORM, lambda typed: self._drain(typed, True))

    @view_config(**action("undrain"))
    def undrain(self) -> Any:
        """Send one viewers again."""
        return self.take(forms.ENDPOINT_FORM, lambda typed: self._drain(typed, False))

    def _drain(self, typed: Any, drained: bool) -> str:
        line: str = self.request.crew.drain(
            room=typed["room"], name=typed["name"], drained=drained, now=self.request.now
        )
        return line

    def content(self) -> dict[str, Any]:
        """Return the endpoints, by room and name."""
        endpoints, now = self.request.endpoints, self.request.now
        return {
            "now": now,
            "alive": sorted(endpoints.alive(now=now), key=lambda e: (e.room, e.name)),
            "silent": endpoints.silent(now=now),
        }


@view_defaults(route_name="admin.tokens", renderer=f"{TEMPLATE_DIR}/tokens.jinja2", http_cache=0)
class TokenPage(AdminPage):
    """What programs show instead of a password."""

    route = "admin.tokens"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show them, but for what is secret of them."""
        return self.page()

    @view_config(**action("issue"))
    def issue(self) -> Any:
        """Issue one, and show it: here and now, since nobody can see it again.

        There is no redirect: the text would have to be kept somewhere meanwhile.
        """
        try:
            typed = forms.parse_form(forms.TOKEN_FORM, self.request.POST)
            token, text = self.request.crew.issue_token(**typed, now=self.request.now)
        except CrewError as error:
            return self.refuse(str(error))
        return self.page(issued=token, text=text)

    @view_config(**action("revoke"))
    def revoke(self) -> Any:
        """Refuse one from now on."""
        return self.take(
            forms.ROW_ACTION_FORM,
            lambda typed: self.request.crew.revoke_token(typed["id"], now=self.request.now),
        )

    def content(self) -> dict[str, Any]:
        """Return the tokens, newest first."""
        return {
            "tokens": self.request.tokens.all(),
            "reach": token_scope_label,
            "scopes": SCOPES,
            "rooms": self.request.registry.settings["conference"].groups,
            "issued": None,
            "text": "",
        }


@view_defaults(
    route_name="admin.annotations", renderer=f"{TEMPLATE_DIR}/annotations.jinja2", http_cache=0
)
class AnnotationPage(AdminPage):
    """What is written beside the graphs."""

    route = "admin.annotations"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show it."""
        return self.page()

    @view_config(**action("add"))
    def add(self) -> Any:
        """Write a word about a moment."""
        return self.take(forms.ANNOTATION_FORM, self._add)

    @view_config(**action("remove"))
    def remove(self) -> Any:
        """Delete one."""
        return self.take(
            forms.ROW_ACTION_FORM,
            lambda typed: self.request.crew.remove_annotation(typed["id"], now=self.request.now),
        )

    def _add(self, typed: Any) -> str:
        now = self.request.now
        line: str = self.request.crew.annotate(
            at=parse_time(typed["at"], now=now), label=typed["label"], room=typed["room"], now=now
        )
        return line

    def content(self) -> dict[str, Any]:
        """Return the annotations, newest first."""
        return {
            "now": self.request.now,
            "annotations": self.request.annotations.latest(),
            "rooms": self.request.registry.settings["conference"].rooms,
        }


@view_defaults(
    route_name="admin.accounts", renderer=f"{TEMPLATE_DIR}/accounts.jinja2", http_cache=0
)
class AccountPage(AdminPage):
    """Who may log in."""

    route = "admin.accounts"

    @view_config(**PAGE_VIEW)
    def show(self) -> dict[str, Any]:
        """Show them."""
        return self.page()

    @view_config(**action("create"))
    def create(self) -> Any:
        """Let somebody log in."""
        return self.take(forms.ACCOUNT_FORM, self._create)

    @view_config(**action("role"))
    def role(self) -> Any:
        """Let somebody be something else."""
        return self.take(
            forms.ACCOUNT_FORM,
            lambda typed: self.request.crew.set_role(
                name=typed["name"], role=typed["role"], now=self.request.now
            ),
        )

    @view_config(**action("reset"))
    def reset(self) -> Any:
        """Give somebody another password."""
        return self.take(forms.ACCOUNT_FORM, self._reset)

    @view_config(**action("delete"))
    def delete(self) -> Any:
        """Let somebody log in no more."""
        return self.take(
            forms.ACCOUNT_FORM,
            lambda typed: self.request.crew.delete_account(
                name=typed["name"], now=self.request.now
            ),
        )

    def _create(self, typed: Any) -> str:
        _require_matching_passwords(typed)
        line: str = self.request.crew.create_account(
            name=typed["name"],
            password=typed["password"],
            role=typed["role"],
            now=self.request.now,
        )
        return f"{line}."

    def _reset(self, typed: Any) -> str:
        _require_matching_passwords(typed)
        line: str = self.request.crew.reset_password(
            name=typed["name"], password=typed["password"], now=self.request.now
        )
        return line

    def content(self) -> dict[str, Any]:
        """Return the accounts by name."""
        return {"accounts": self.request.accounts.all(), "roles": ROLES}


@view_config(
    route_name="admin.audit", renderer=f"{TEMPLATE_DIR}/audit.jinja2", http_cache=0, **PAGE_VIEW
)
def audit(request: Any) -> dict[str, Any]:
    """Show who did what, of all or of one account."""
    accounts = request.audit.accounts()
    wanted = request.GET.get("account", "")
    chosen = wanted if wanted in accounts else ""
    return {
        "accounts": accounts,
        "chosen": chosen,
        "entries": request.audit.latest(account=chosen or None),
    }


def _require_matching_passwords(typed: Any) -> None:
    if typed["password"] != typed["again"]:
        raise CrewError("the two passwords are not the same")
