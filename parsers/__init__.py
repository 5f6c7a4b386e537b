"""The parsers that come with the site; each is an example for a plugin of your own."""
