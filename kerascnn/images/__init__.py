"""From a picture to what the network reads."""
