"""The live page: a server on this machine's loopback, what it reads, and the page's files."""
