"""The steps of image processing, one module each. ``logic`` calls them in order."""
