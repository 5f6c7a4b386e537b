"""Configuration files of a streaming server and its agent, for all rooms of a conference."""
