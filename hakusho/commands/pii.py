"""`hakusho pii`: find and mask personal data and secrets in a Parquet or JSONL file."""

from __future__ import annotations

from pathlib import Path

import click

from hakusho.commands._shared import ExampleCommand, emit, json_option, keep_inputs


@click.command(cls=ExampleCommand, example="hakusho pii mails.jsonl --out masked.jsonl")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Parquet or JSONL to write.")
@json_option
def command(source: Path, out: Path, *, as_json: bool) -> None:
    """Write id, spans (start, end, type, action) and masked text for every row of IN.

    IN is Parquet or JSONL with the columns id and text; offsets count code points of text, end exclusive. A column
    source that names one of our official sources lets the contacts of public bodies stand (action keep). Ids are
    written as text.

    Types found: SECRET (vendors' keys and tokens, private keys), EMAIL, MY_NUMBER (Japanese individual number),
    CREDIT_CARD, IP_ADDRESS, PHONE (Japanese, American, international), POSTAL_CODE (Japanese) and NAME (Japanese,
    only near another find).

    Nothing else is looked for: passwords, street addresses, dates of birth, bank accounts, numbers of passports,
    driving licences, residence cards and US social security stay in the text.
    """
    from collections import Counter
    from typing import Any

    from corpus.base.shards import read_input, write_output
    from corpus.measure.pii import MASK, masked_table

    keep_inputs("--out", [out], [source])
    table = masked_table(read_input(source, ("source",)))
    write_output(out, table)
    rows: list[Any] = table["spans"].to_pylist()
    masked = Counter(span["type"] for spans in rows for span in spans if span["action"] == MASK)
    total = sum(len(spans) for spans in rows)
    result = {
        "documents": table.num_rows,
        "masked": dict(sorted(masked.items())),
        "kept": total - masked.total(),
        "out": str(out),
    }
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(masked.items())) or "nothing"
    emit(result, f"{table.num_rows} documents: masked {kinds}; kept {result['kept']}; see {out}", as_json=as_json)
