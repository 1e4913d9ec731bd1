"""What a dashboard has and demands, and what is refused because of it."""
