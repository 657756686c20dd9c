"""Words that titles and names are made of, from words.toml."""

import tomllib
from pathlib import Path

_words = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())

FIRST_NAMES: tuple[str, ...] = tuple(_words["first_names"])
LAST_NAMES: tuple[str, ...] = tuple(_words["last_names"])
UNUSUAL_NAMES: tuple[tuple[str, str], ...] = tuple((first, last) for first, last in _words["unusual_names"])
THEMES: dict[str, tuple[str, ...]] = {theme: tuple(topics) for theme, topics in _words["themes"].items()}
SHOW_NAMES: tuple[str, ...] = tuple(_words["show_names"])
PLACES: tuple[str, ...] = tuple(_words["places"])
EPISODE_TITLES: tuple[str, ...] = tuple(_words["episode_titles"])
ODD_TITLES: tuple[str, ...] = (*_words["odd_titles"], "A very long title " * 25)
RECORDINGS: tuple[str, ...] = tuple(_words["recordings"])
