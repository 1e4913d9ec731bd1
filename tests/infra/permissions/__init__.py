"""That each role is tight: what every role may do, beside what was seen to be needed."""
