"""Count the frames of a GIF file by its blocks, as far as needed; Pillow reads all of a file that may have millions.

Source: "Graphics Interchange Format, version 89a", CompuServe, 1990.
"""

from typing import IO

_HEADER = 13  # bytes of the signature and the description of the screen
_DESCRIPTION = 9  # bytes of the description of a frame
_HAS_COLOURS = 0x80  # flag of a table of colours
_IMAGE, _EXTENSION = b",", b"!"


def count_gif_frames(stream: IO[bytes], most: int) -> int:
    """Count the frames of a GIF file up to a number; the end of a file that is cut off ends it, too.

    The stream is where it was afterwards.
    """
    place = stream.tell()
    stream.seek(0)
    _skip_colours(stream, stream.read(_HEADER)[-3:-2])
    count = 0
    while count < most:
        kind = stream.read(1)
        if kind == _IMAGE:
            count += 1
            _skip_colours(stream, stream.read(_DESCRIPTION)[-1:])
        elif kind != _EXTENSION:
            break
        stream.seek(1, 1)  # the kind of the extension, or the size of a code
        while length := stream.read(1):
            if length == b"\0":
                break
            stream.seek(length[0], 1)
    stream.seek(place)
    return count


def _skip_colours(stream: IO[bytes], flags: bytes) -> None:
    """Skip a table of colours, if a byte of flags says that there is one."""
    if flags and flags[0] & _HAS_COLOURS:
        stream.seek(3 * 2 ** ((flags[0] & 7) + 1), 1)
