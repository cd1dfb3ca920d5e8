"""Analyzes the picture with Rekognition and Bedrock."""
