"""Access logs on their way to trackers: followed, kept in a spool, handed in, each line once."""
