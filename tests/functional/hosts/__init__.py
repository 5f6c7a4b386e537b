"""Several machines, as network namespaces."""
