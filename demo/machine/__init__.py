"""A look at this machine before anything is installed.

Any Python from 3.6 on and its standard library are enough: the machine's own Python may be too old for everything else.
"""
