"""A finished folder of a model put on the Hugging Face hub: looked through for secrets first, then uploaded as it is.

The hub is huggingface.co or what HF_ENDPOINT names; the token is HF_TOKEN's or that of `hf auth login`, and is never
shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.base import credentials
from corpus.base.errors import InputError, TrainingError
from corpus.base.progress import Progress
from train import libraries

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Pushed", "push"]


@dataclass(frozen=True)
class Pushed:
    """The files that were looked through, by name, with their bytes; where they went, or "" after a dry run."""

    repository: str
    files: dict[str, int]
    url: str


def push(folder: Path, repository: str, *, private: bool, dry_run: bool) -> Pushed:
    """Upload every file of a folder to a model repository, which is made where it is missing.

    A dry run looks through the files and touches no network. Raises TrainingError where a file holds a secret, where a
    private repository was asked for and the one there is public, or where the hub refuses; InputError without a token.
    """
    paths = list(_files(folder))
    _require_no_secret(paths)
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    if dry_run:
        return Pushed(repository, files, "")
    return Pushed(repository, files, _upload(folder, repository, sorted(files), private=private))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise TrainingError(f"{path} is a link; what it points to would be uploaded. Take it out of the folder")
        if path.is_file():
            yield path


def _require_no_secret(paths: list[Path]) -> None:
    """Raise TrainingError that names the first secret found, masked, and how many there are."""
    found: list[credentials.Finding] = []
    known = [os.environ.get("HF_TOKEN", "").strip()]
    with Progress("looking for secrets", total=len(paths), unit="files") as progress:
        for path in paths:
            found += credentials.scan(path, known)
            progress.advance(note=path.name)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise TrainingError(
            f"what looks like a secret stands in {found[0].line()}{more}; nothing was uploaded. Take it out, revoke it"
        )


def _upload(folder: Path, repository: str, names: list[str], *, private: bool) -> str:
    """Create the repository where it is missing, upload, and give its address."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    token = get_token()
    if not token:
        raise InputError("no token for the hub; set HF_TOKEN or run: hf auth login")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        with libraries.online():
            url = str(api.create_repo(repository, private=private or None, exist_ok=True))
            _require_private(api, repository, wanted=private)
            api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                allow_patterns=[_literal(name) for name in names],  # what was looked through, and nothing else
                commit_message="Upload by python -m train.export",
            )
    except (HfHubHTTPError, HFValidationError, OSError, ValueError, RuntimeError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(token, "…")
        raise TrainingError(f"the hub did not take {repository} ({said}); mend that and run it again") from None
    return url


def _require_private(api: HfApi, repository: str, *, wanted: bool) -> None:
    if wanted and not api.repo_info(repository).private:
        raise TrainingError(
            f"{repository} is there already and public; make it private on its page, push without --private, or choose "
            "another name. Nothing was uploaded"
        )


def _literal(name: str) -> str:
    """A pattern for fnmatch that this name alone matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
