"""`make run`: deploys, exports, shows progress and what came of it."""
