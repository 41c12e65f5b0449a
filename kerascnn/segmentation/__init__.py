"""Segment pages: what each pixel shows, paper, a digit and which, or where one digit ends and the next begins."""
