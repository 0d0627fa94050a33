"""Compiled kernels: a row count, keys or a column in; row numbers, positions and keys out.

Arguments are not checked here.
"""
