"""Options of Neo4j."""

from __future__ import annotations

from collector_core import Field, Options, SecretStr


class Neo4jOptions(Options):
    """A graph of sites, sources and grids for those who ask one; the sites are kept elsewhere."""

    url: str = Field(
        pattern=r"^(neo4j|bolt)(\+s|\+ssc)?://[^\s@]+$",
        description="Where it is, such as `neo4j://graph.example:7687`.",
    )
    user: str = Field("neo4j", min_length=1, description="Who writes.")
    password: SecretStr | None = Field(None, description="The password of that user; null: none is asked for.")
    database: str | None = Field(None, min_length=1, description="Name of the database; null: the server's default.")
