"""Names that others chose: shown as they are, or made into names of files."""

import unicodedata

MAX_BYTES = 200
"""Of a derived name, in UTF-8: with a suffix and a number it stays below the 255 that file systems allow."""

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def is_hidden(character: str) -> bool:
    """Tell whether a character is a control character, changes the direction of the text, or cannot be seen at all."""
    return unicodedata.category(character) in _HIDDEN_CATEGORIES


def show_hidden(text: str) -> str:
    """Write every character as an escape that a person could not see, or that would change how the others are shown.

    Names of files, classes and layers can contain them; printed as they are, they could erase or forge lines.
    """
    if text.isprintable():
        return text
    return "".join(one.encode("unicode_escape").decode() if is_hidden(one) else one for one in text)


def derive_name(name: str, fallback: str) -> str:
    """Derive the name of a file or directory, without suffix, from that of something else.

    It has no characters that cannot be seen or stored, is neither hidden nor `..`, and has no meaning of its own on any
    system.

    Args:
        name: Name, without the directories before it.
        fallback: Name where nothing is left.
    """
    visible = "".join("_" if is_hidden(one) or one in "/\\" else one for one in name)
    short = visible.encode()[:MAX_BYTES].decode(errors="ignore").rstrip(" .")
    bare = short.lstrip(".")
    if not bare.strip():
        return fallback
    is_special = bare != short or bare.partition(".")[0].strip().lower() in _DEVICES
    return f"_{bare}" if is_special else bare
