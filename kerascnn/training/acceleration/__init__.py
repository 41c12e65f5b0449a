"""What makes training quick: equal layers that a backend runs faster, threads, memory."""
