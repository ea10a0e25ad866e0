"""The contract tests that a new part inherits: each a class with tests and a method that gives the part.

``class TestMine(VectorIndexContract)`` with ``make`` in a test file is all that it takes. pytest is imported here and nowhere
else in the package, and nothing in the package imports this one.
"""
