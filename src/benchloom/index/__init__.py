"""What exists: components read from repositories, tolerantly, and found again quickly."""
