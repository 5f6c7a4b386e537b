"""Talks that can be watched from their beginning, where a streaming server has their recording."""
