"""From a picture to a number plate: pure Python, no Django, no database, no network.

`recognition.plates` and `recognition.formats` need the standard library only, so that web processes can
compare and show plates. Everything that looks at pixels loads its libraries when first used:
importing this package loads none of them.
"""
