"""Workbooks and reports for people: frames in, files out. Nothing here reads the database."""
