"""Runs a function over shards: in processes on this machine, or on a Ray cluster."""
