"""What checks the project and writes its reference pages (`make check`, `make docs`)."""
