"""The desk: web pages for bureau staff, over the same functions as the command line."""
