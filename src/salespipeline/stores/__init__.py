"""Reference implementations of the storage contract; they know nothing of sales."""
