"""The steps of the picture work, a small file each; ``logic`` puts them in order."""
