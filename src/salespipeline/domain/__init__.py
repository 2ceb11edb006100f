"""The rules of the domain: values in, values out; no clock, no ids, no files."""
