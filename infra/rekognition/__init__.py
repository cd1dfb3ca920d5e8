"""A local stand-in for Amazon Rekognition, and for one model of Amazon Bedrock.

It speaks the services' wire protocols. Open models analyze the pixels of each picture.
"""
