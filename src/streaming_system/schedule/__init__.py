"""The schedule: from the talks of a feed to the file that the pages read."""
