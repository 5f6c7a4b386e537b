"""Sessions, security and forms of the crew's pages."""
