"""The whole system alive on one machine, to be looked at: `streaming-system agent demo`."""
