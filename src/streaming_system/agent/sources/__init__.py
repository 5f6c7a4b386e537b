"""The kinds of servers that figures are read from; each module is a plugin."""
