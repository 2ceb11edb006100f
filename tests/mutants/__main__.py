"""Print the table of sabotaged stores."""

from tests.mutants.table import table

print(table(), end="")
