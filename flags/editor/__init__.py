"""The rules' editor as a plain form: rows within rows, moved and added by named submit buttons. Knows no database."""
