"""Types, protocols, errors and the registry: what every other part is written in. Imports nothing heavy."""
