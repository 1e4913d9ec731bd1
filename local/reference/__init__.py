"""The reference pages of docs/, made from the code: `make docs` writes them.

One module a page; its text, with what the code cannot tell, is in pages/.
"""
