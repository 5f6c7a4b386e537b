"""The schedule: its model, the file that pages read, what has changed in it, and its exports."""
