"""Where the truth about our own intents is kept: the journal, its tables, and everything that reads or moves them.

``sqlite_store`` is the one writer, ``read_models`` what people read, ``tables`` the schema that alembic migrates.
Start-up imports neither SQLAlchemy nor alembic: statement text is rendered from column names in ``statements``,
the schema of a new file is ``schema.sql``, and tests prove that both equal the tables and the migrations.
"""
