"""Recommendations packed: bodies compressed, exclusions as numbers beside a list of models."""

import json

import pyarrow as pa
import sqlalchemy as sa

from alembic import op

revision = "2026_11_24_packed_answers"
down_revision = "2026_11_24_imports"
branch_labels = None
depends_on = None

_PAGE = 500
_CODEC = pa.Codec("zstd", compression_level=1)


def upgrade() -> None:
    op.create_table(
        "model_lists",
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_model_lists"),
    )
    _add("packed_document", "packed_excluded", kind=sa.LargeBinary())
    op.add_column("recommendations", sa.Column("model_list", sa.String(40), nullable=True))
    _convert(
        ("document", "excluded"),
        {"packed_document": sa.LargeBinary(), "packed_excluded": sa.LargeBinary()},
        lambda row: [_compressed(row[0].encode()), row[1].encode()],
    )
    _replace("packed_", sa.LargeBinary())


def downgrade() -> None:
    """Exclusions in words are those that the body shows: the others need the list of models to be read."""
    _add("plain_document", "plain_excluded", kind=sa.Text())
    _convert(
        ("document",),
        {"plain_document": sa.Text(), "plain_excluded": sa.Text()},
        lambda row: [
            text := _decompressed(row[0]).decode(),
            json.dumps(json.loads(text).get("excluded", [])),
        ],
    )
    _replace("plain_", sa.Text())
    with op.batch_alter_table("recommendations") as table:
        table.drop_column("model_list")
    op.drop_table("model_lists")


def _compressed(content):
    return len(content).to_bytes(4, "little") + _CODEC.compress(content, asbytes=True)


def _decompressed(stored):
    return _CODEC.decompress(stored[4:], int.from_bytes(stored[:4], "little"), asbytes=True)


def _add(*names, kind) -> None:
    for name in names:
        op.add_column("recommendations", sa.Column(name, kind, nullable=True))


def _convert(read, written, change) -> None:
    """Fill the written columns of every row from those read, some rows at a time."""
    connection = op.get_bind()
    table = sa.table(
        "recommendations",
        sa.column("id"),
        *(sa.column(n) for n in read),
        *(sa.column(n, t) for n, t in written.items()),
    )
    after = ""
    while True:
        rows = connection.execute(
            sa.select(table.c.id, *(table.c[n] for n in read))
            .where(table.c.id > after)
            .order_by(table.c.id)
            .limit(_PAGE)
        ).all()
        for identity, *values in rows:
            made = dict(zip(written, change(values), strict=True))
            connection.execute(sa.update(table).where(table.c.id == identity).values(made))
        if not rows:
            return
        after = rows[-1][0]


def _replace(prefix, kind) -> None:
    """The new columns stand in for the old ones."""
    with op.batch_alter_table("recommendations") as table:
        for name in ("document", "excluded"):
            table.drop_column(name)
    with op.batch_alter_table("recommendations") as table:
        for name in ("document", "excluded"):
            table.alter_column(prefix + name, new_column_name=name, existing_type=kind, nullable=False)
