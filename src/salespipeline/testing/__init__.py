"""Tools for those who test what they build on this library."""
