"""Asks Rekognition what is in the picture."""
