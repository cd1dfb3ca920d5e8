"""The local environment: emulators, the local Rekognition, and the commands that use them."""
