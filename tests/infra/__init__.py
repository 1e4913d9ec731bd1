"""The template of the stack, and what it is made from."""
