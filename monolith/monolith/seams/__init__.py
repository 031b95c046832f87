"""What strangling adds to the monolith: nothing below `monolith` imports it but `__main__`."""
