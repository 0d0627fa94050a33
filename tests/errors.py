"""Errors, word for word."""

import re

import pytest


def raises(kind, message):
    """``kind``, and of its text all of it."""
    shown = repr(message) if kind is KeyError else message
    return pytest.raises(kind, match=f"^{re.escape(shown)}$")
