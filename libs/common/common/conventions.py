"""Names that all processes of the system agree on; each process passes them to the libraries that need them."""

USER_HEADER = "x-figtree-user"  # who the mesh has verified the user to be
ROUTED_BY = (
    "x-environment",
    USER_HEADER,
)  # the mesh may send calls that differ in these to different versions
MIRRORED = "x-figtree-mirrored"  # the mesh marks a request whose answers are compared
ERROR_DOMAIN = "figtree"  # of google.rpc.ErrorInfo
SUBJECT = "customer"  # the log's name for whom a call concerns
FENCED = "FT001"  # the SQLSTATE that the strangler's trigger raises: this side is not the writer
