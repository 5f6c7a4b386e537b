"""Accounts of the crew, and what its members do on their pages."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.passwords import hash_password
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Account

PASSWORD = "correct horse"


def create_account(engine, name, role):
    """Create an account with the password of all."""
    with Session(engine) as db:
        account = Account(name=name, role=role, created_at=datetime.now(UTC))
        account.password_hash = hash_password(PASSWORD)
        db.add(account)
        db.commit()


@pytest.fixture
def people(database, quick_passwords):
    """Accounts: ada and alan are admins, vera is a viewer."""
    engine = make_engine({"sqlalchemy.url": database})
    for name, role in (("ada", "admin"), ("alan", "admin"), ("vera", "viewer")):
        create_account(engine, name, role)
    engine.dispose()


def log_in(app, name, password=PASSWORD, code="", **more):
    """Log in, and return the response."""
    form = login_form(app)
    form["name"], form["password"], form["code"] = name, password, code
    return form.submit(**more)


def log_in_as(app, role="admin"):
    """Create an account with a role and its name, and log in."""
    create_account(app.app.registry["db.sessions"].kw["bind"], role, role)
    assert log_in(app, role).status_int == 303


def login_form(app):
    """Return the form of the login page; a logged-in page has a logout form, too."""
    return app.get("/admin/login").forms["login"]


def find_form(app, path, button, nth=0):
    """Return the nth form of a page with a button."""
    page = app.get(path)
    forms = page.forms.values()
    matching = [f for f in forms if any(b._value == button for b in f.fields.get("do", []))]
    # WebTest lists a form by number and by id.
    return list(dict.fromkeys(matching))[nth]


def submit(app, path, button, nth=0, /, status=303, **fields):
    """Fill in a form, press its button, and return the response."""
    form = find_form(app, path, button, nth)
    for field, value in fields.items():
        form[field].force_value(value)
    return form.submit("do", value=button, status=status)
