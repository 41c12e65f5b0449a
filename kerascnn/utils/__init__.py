"""What every room needs: backend, errors, files, interrupts, pages, the style of figures."""
