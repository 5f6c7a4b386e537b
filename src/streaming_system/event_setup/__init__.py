"""Sets up the folder of an event: its configuration, inis and README."""
