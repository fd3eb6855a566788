"""Rows and files that cannot be trusted: the codes, the judgement, and the workbook that brings rows back."""
