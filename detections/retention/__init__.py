"""Retention: rules, what they make due, what is deleted and the certificates of it.

rules: for how long. certificates: the chain of proofs. pictures: photos in media storage. months: passages, a
whole partition at a time. records: rows of other tables. `anpr_site.purging` runs all of it.
"""
