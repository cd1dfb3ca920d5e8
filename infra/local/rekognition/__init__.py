"""A local Rekognition: its wire protocol in front, open models that look at the pixels behind."""
