"""The `hakusho` command: a group whose verbs are modules of hakusho/commands, loaded only when called.

Exit status: 0 done, 1 a finding or a failure, 2 wrong use. An error of ours is one line on stderr, never a traceback.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "doctor": "See whether this machine has what Hakusho needs.",
    "plan": "See what a harvest would do; asks for robots.txt only.",
    "harvest": "Harvest sources, politely, and go on where one was stopped.",
    "extract": "Turn local files into text with sections.",
    "curate": "Normalise, measure, mask personal data, find duplicates.",
    "dedup": "Find exact and near duplicates, of the workspace or of any file.",
    "pii": "Find and mask personal data in any file.",
    "label": "Give each document a verdict and a domain.",
    "classifier": "Train or evaluate the domain classifier.",
    "dataset": "Build or verify the dataset in Hugging Face layout.",
    "report": "Run the SQL checks and reports into one HTML page and JSON.",
    "sql": "Ask the workspace in SQL.",
    "why": "Show everything known about one document.",
}


class _LazyGroup(click.Group):
    """Knows its verbs by name and one line; imports a verb's module when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"hakusho.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from corpus.base.config import nearest

            raise click.UsageError(f"no such command {args[0]!r}; {nearest(args[0], list(COMMANDS))}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        with formatter.section("Beside it"):
            formatter.write_dl(
                [
                    ("scrapy crawl SOURCE", "One source as Scrapy runs it, for those who know Scrapy."),
                    ("python -m train.qlora", "Fine-tune on the dataset."),
                ]
            )
        with formatter.section("Example"):
            formatter.write_text("hakusho curate && hakusho label && hakusho dataset build && hakusho report")


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hakusho")
def _group() -> None:
    """From official Japanese and English text to a curated, labelled, accounted corpus."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    from corpus.base.errors import HakushoError

    try:
        status = _group.main(list(argv) if argv is not None else None, prog_name="hakusho", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except HakushoError as error:
        click.echo(f"hakusho: {error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        hint = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        click.echo(f"hakusho: {error.format_message()}{hint}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"hakusho: {error.format_message()}", err=True)
        sys.exit(1)
    except BrokenPipeError:  # whoever reads has enough, as head does
        _let_go_of_stdout()
        sys.exit(1)
    except OSError as error:
        if error.filename is not None:
            raise
        _let_go_of_stdout()
        click.echo(f"hakusho: cannot write to standard output: {error.strerror}; what was done stands", err=True)
        sys.exit(1)
    except click.exceptions.Abort:
        click.echo("hakusho: stopped; run the same command again to go on", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def _let_go_of_stdout() -> None:
    """Give the interpreter nothing to flush at its end, which would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
