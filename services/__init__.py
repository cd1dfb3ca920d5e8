"""The services: each one a folder, deployed on its own, importing only itself and shared."""
