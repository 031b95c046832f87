"""One package for each group of scenes; each lists its scenes in SCENES."""
