"""Every claim about the mesh is a scene: it says what it expects, does it to live traffic, measures it, and fails if it
did not happen."""
