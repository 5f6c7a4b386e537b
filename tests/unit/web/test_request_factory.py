"""The class of an app's requests has what was added to them, as Pyramid's own would have."""

from itertools import count

import pytest
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.scripting import prepare


class Requests:
    """An app that keeps the requests it gets."""

    def __init__(self, **options):
        self.seen = []
        numbers = count()
        with Configurator(**options) as config:
            config.include("streaming_system.web.request_factory")
            config.add_request_method(lambda request: next(numbers), "once", reify=True)
            config.add_request_method(lambda request: next(numbers), "anew", property=True)
            config.add_request_method(lambda request, word: (request, word), "method")
            config.add_route("view", "/")
            config.add_view(self._view, route_name="view")
        self.app = config.make_wsgi_app()

    def _view(self, request):
        self.seen.append(request)
        return Response(b"")

    def get(self):
        Request.blank("/").get_response(self.app)
        return self.seen[-1]


@pytest.fixture
def requests():
    return Requests()


def test_requests_are_of_one_class(requests):
    assert type(requests.get()) is type(requests.get())


def test_a_reified_property_is_worked_out_once_for_each_request(requests):
    first, second = requests.get(), requests.get()

    assert (first.once, first.once, second.once) == (0, 0, 1)


def test_a_property_is_worked_out_each_time(requests):
    request = requests.get()

    assert (request.anew, request.anew) == (0, 1)


def test_a_method_gets_its_own_request(requests):
    requests.get()
    request = requests.get()

    assert request.method("word") == (request, "word")


@pytest.mark.parametrize("name", ["once", "anew", "method", "other"])
def test_what_is_set_on_a_request_is_that_requests_alone(requests, name):
    request = requests.get()
    setattr(request, name, "set")

    assert getattr(request, name) == "set"
    assert getattr(requests.get(), name, None) != "set"


def test_a_copy_works_out_its_own(requests):
    request = requests.get()

    assert (request.once, request.copy().once) == (0, 1)


def test_scripts_have_the_same_requests(requests):
    with prepare(registry=requests.app.registry) as environment:
        assert environment["request"].once == 0


def test_an_apps_own_class_is_built_upon():
    class Own(Request):
        colour = "green"

    requests = Requests(request_factory=Own)

    assert (requests.get().colour, requests.get().once) == ("green", 0)
