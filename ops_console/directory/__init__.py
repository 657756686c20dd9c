"""The backend's users, seen through a mapping (settings DIRECTORY_*). Every app asks here."""

from ops_console.directory.people import DirectoryUnavailable, Person, find, get, get_many, in_tier, named, tiers

__all__ = ["DirectoryUnavailable", "Person", "find", "get", "get_many", "in_tier", "named", "tiers"]
