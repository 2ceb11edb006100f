"""Pure descriptions of reports, and the arithmetic on their rows."""
