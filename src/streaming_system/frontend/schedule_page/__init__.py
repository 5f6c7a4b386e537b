"""The programme as a page shows it: by day and by room, as a grid and as a list."""
