"""Starts what this project needs on a bare machine. Standard library only: nothing is installed yet."""
