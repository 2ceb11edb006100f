"""Everything that a store holds, as plain files, and back into any other store without loss. (SPEC EXT-5)

An export is a folder, or a ZIP of the same names: ``records/KIND.jsonl`` for each kind, a record a line; ``numbers.jsonl``
with the last number of each series; ``files/`` with the bytes that records name, each under its SHA-256; and
``manifest.json``, which says how many lines and bytes each file has and what its SHA-256 is.
"""
