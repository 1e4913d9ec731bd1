"""What runs on a laptop in place of AWS; nothing in production code knows it."""
