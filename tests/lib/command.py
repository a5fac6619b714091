"""Running the command line of a stack, and what all its tables keep to."""


def run(stack, *args, code=0):
    """What `lockstep ARGS` prints; it has to end with this code."""
    out = stack.lockstep(*args)
    assert out.returncode == code, out
    return out.stdout


def assert_fits(text):
    """80 columns, no colour, no blanks at the ends of lines."""
    assert "\x1b" not in text
    for line in text.splitlines():
        assert len(line) <= 80 and line == line.rstrip(), line
