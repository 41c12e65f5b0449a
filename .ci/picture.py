"""Draw a picture of a five, dark on light, as a user might have it: `python picture.py five.png`."""

import sys

from PIL import Image, ImageDraw

picture = Image.new("RGB", (300, 360), (235, 230, 220))
draw = ImageDraw.Draw(picture)
draw.line([(200, 80), (120, 80), (112, 165), (150, 150), (190, 170), (205, 215), (185, 260), (140, 275), (100, 255)],
          fill=(40, 40, 90), width=18, joint="curve")  # fmt: skip
picture.save(sys.argv[1])
