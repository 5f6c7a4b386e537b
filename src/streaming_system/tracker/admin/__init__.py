"""What the crew's pages share: sessions and forms."""
