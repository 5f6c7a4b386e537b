"""Nothing of a request has to be put together anew for each one."""

from pyramid.interfaces import IRequestExtensions, IRequestFactory


def test_the_apps_classes_have_what_is_added_to_their_requests(site, tracker):
    for app, name in ((site, "conference"), (site, "theme_path"), (tracker, "db"), (tracker, "tm")):
        registry = app.app.registry

        assert hasattr(registry.getUtility(IRequestFactory), name)
        assert registry.queryUtility(IRequestExtensions) is None
