"""Built-in parsers; each one is an example for your own plugin."""
