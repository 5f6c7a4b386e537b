"""The demo: the whole system on one machine, with test patterns and viewers."""
