"""Views translate between HTTP and the services: a request, one call, plain data."""
