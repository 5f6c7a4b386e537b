"""From the feeds of a conference to the schedule file: download, parse, check, write."""
