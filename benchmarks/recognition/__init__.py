"""How well plates are found and read, beside other readers: `python -m benchmarks recognition`.

Everything is measured on pictures that no network of ours was trained on. They lie in ../shared/data and are
no part of the product; what is made from them stays in var/benchmarks.
"""
