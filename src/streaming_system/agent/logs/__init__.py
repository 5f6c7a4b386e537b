"""Ships access logs to trackers: tails files, spools lines, delivers each line once."""
