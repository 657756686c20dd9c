"""The flags' pages: a list with live switches, the parts of one flag's page, and the segments."""
