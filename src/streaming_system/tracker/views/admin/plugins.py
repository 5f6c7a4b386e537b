"""The page that lists the plugins. The tracker loads none: it reads what the import has written."""

from typing import Any

from pyramid.view import view_config

from streaming_system.tracker.views.admin import PAGE_VIEW, TEMPLATE_DIR
from streaming_system.util.plugin_inventory import inventory_path, load_inventory


@view_config(
    route_name="admin.plugins", renderer=f"{TEMPLATE_DIR}/plugins.jinja2", http_cache=0, **PAGE_VIEW
)
def plugins(request: Any) -> dict[str, Any]:
    """Show the plugins of the last import: those of the event, then the built-in ones."""
    schedule = request.registry["schedule"]
    inventory = load_inventory(inventory_path(schedule.path)) if schedule else None
    listed = inventory.plugins if inventory else ()
    return {
        "plugins": sorted(listed, key=lambda plugin: plugin.is_built_in),
        "listed_at": inventory.listed_at if inventory else None,
    }
