"""``python -m precordia.datasets``: the table of docs/datasets.md."""

from precordia.datasets import table

if __name__ == "__main__":
    print(table(), end="")
