"""Make text from files and servers safe to print: nothing in it moves the cursor, hides text, or reverses its direction."""

import re

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
_OUTSIDE = re.compile(r"\n(?! )")
# Marks that change the direction of text, and separators that some terminals treat as line ends.
_ESCAPED |= {
    code: f"\\u{code:04x}" for code in (0x061C, *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}

_LONGEST = 80  # characters of a line or name that a message repeats


def printable(text: str) -> str:
    """Return ``text`` with control characters (but for line ends and tabs) written as escapes."""
    return text.translate(_ESCAPED)


def shortened(text: str) -> str:
    """Return ``text``, or the beginning of a longer one."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def one_line(text: str) -> str:
    """Return ``text`` as one printable line."""
    return printable(text).replace("\n", "\\n")


def indented(text: str) -> str:
    """Return ``text`` with all lines after the first indented, so that none looks like a separate message."""
    return text.replace("\n", "\n    ")


def continued(text: str) -> str:
    """Return ``text`` as ``indented`` does, but leave lines alone that are indented already, such as those of an error."""
    return _OUTSIDE.sub("\n    ", text)
