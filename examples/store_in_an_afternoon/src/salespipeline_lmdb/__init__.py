"""A sales pipeline in LMDB."""

from salespipeline_lmdb.store import LmdbStore, open_lmdb

__all__ = ["LmdbStore", "open_lmdb"]
