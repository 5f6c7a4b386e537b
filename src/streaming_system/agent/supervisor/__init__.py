"""Watches the parts of this machine's pipeline, starts anew what has failed, and tells trackers."""
