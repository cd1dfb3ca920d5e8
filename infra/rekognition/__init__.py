"""A local Rekognition, and a Bedrock with one model: wire protocols in front, open models behind.

The models look at the pixels.
"""
