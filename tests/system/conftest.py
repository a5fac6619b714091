"""What all system tests share."""

import os


def pytest_terminal_summary(terminalreporter):
    """In quiet runs too: with how many clients the storms were."""
    full = bool(os.environ.get("LOCKSTEP_FULL"))
    terminalreporter.write_line(
        "storms: 500 connections at once, full size" if full else
        "storms: 50 connections at once; LOCKSTEP_FULL=1 makes them 500")
