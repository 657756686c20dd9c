"""How the console runs: what settings and processes need besides Django."""
