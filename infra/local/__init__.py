"""The local environment: the emulators, the local Rekognition, and the commands that use them."""
