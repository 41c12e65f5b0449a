"""PDF files made by hand: what no program for documents writes."""

import zlib

ENCRYPTION = b"/Encrypt <</Filter/Standard/V 1/R 2/P -4/O <%s>/U <%s>>> /ID [<00> <00>]" % (b"41" * 32, b"42" * 32)


def write_pdf(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, the first of which is the catalogue."""
    content, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, trailer, len(content))
    )


def write_page(drawing: bytes = b"", box: bytes = b"0 0 595 842", picture: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF of one page that is drawn by some operators; `/I Do` shows the picture, an image object."""
    return write_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>" % box,
        compress(b"", drawing),
        picture or b"null",
        trailer=trailer,
    )


def write_many(count: int) -> bytes:
    """A PDF of so many empty pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    pages = b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids)
    return write_pdf(b"<</Type/Catalog/Pages 2 0 R>>", pages, *[page] * count)


def compress(entries: bytes, content: bytes) -> bytes:
    """A compressed stream."""
    packed = zlib.compress(content)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (entries, len(packed), packed)
