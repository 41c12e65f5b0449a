"""What people give as a picture that is none, and what to do with it."""


def describe_no_picture(name: str) -> str | None:
    """Say what to do with an address in place of a picture; None if the name is none."""
    scheme, separator, rest = name.partition("://")
    if separator and scheme.isalpha():
        file = rest.rpartition("/")[2] or "the file"
        return f"{name} is an address on the web; download it first, then give {file}."
    return None
