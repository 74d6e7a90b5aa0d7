"""Counting chambers as they look through an eye-piece, with known cells."""
