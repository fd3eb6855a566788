"""Alembic's environment: runs on the engine that the caller hands over, never on settings of its own."""

from __future__ import annotations

from alembic import context

from zp_registry.registry.models import Base


def run() -> None:
    """Runs the migrations in one transaction on ``config.attributes['engine']``."""
    engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
