from alembic import context

from monolith.seams.placement import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="alembic_version_seams",
)
context.run_migrations()
