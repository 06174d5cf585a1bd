"""The nine pages: one module for each, one layout and one table of words."""
