"""The local orchestration: servers, processes and checks behind `make run`, `make test` and `make check`.

Nothing here is imported by the product. Read `embedded` for the servers, `stack` for the whole product,
`local` for `make run`.
"""
