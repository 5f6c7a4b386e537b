"""The agent beside a streaming server: it tells the tracker what is streaming."""
