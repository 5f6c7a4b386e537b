"""Live captions: text from captioners, for players and transcripts."""
