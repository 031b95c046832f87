"""Who may call whom, and as which user."""

from scenes.groups.security import databases, methods, mtls, users

SCENES = (*mtls.SCENES, *methods.SCENES, *users.SCENES, *databases.SCENES)
