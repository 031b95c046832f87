"""How fast it is: measured side by side, with floors and a yardstick."""
