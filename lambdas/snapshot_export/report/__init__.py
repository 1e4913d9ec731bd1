"""The page that a person looks at when a burst has ended."""
