"""The clauses of the storage contract, a file for each family."""
