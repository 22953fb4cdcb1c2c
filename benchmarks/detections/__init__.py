"""A year of passages in the table, and how long each question to it takes."""
