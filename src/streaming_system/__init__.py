"""A conference's live-streaming site: pages for viewers, and a tracker of who streams."""
