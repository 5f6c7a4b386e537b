"""Pictures of what is on in the rooms: looked at in turn, written for the site to show."""
