"""The shapes of requests and responses: pydantic at the edge, and nowhere else."""
