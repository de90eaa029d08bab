"""The table of settings in server/README.md, made from the one in the code: make readme-options."""

from pathlib import Path

from checkout_age.server.config import ServerConfig
from checkout_age.server.options import table_of

ROOT = Path(__file__).parents[2]
README = ROOT / "server" / "README.md"
HEAD = "| option | default | |\n|---|---|---|\n"


def option_table() -> str:
    """A row for each setting; paths as seen from the repository."""
    rows = (
        f"| `{row.flag}` | {row.told_default.replace(str(ROOT), '.')} | {row.what} |\n"
        for row in table_of(ServerConfig)
    )
    return HEAD + "".join(rows)


def listed(text: str) -> str:
    """The table as a text has it."""
    return HEAD + text.partition(HEAD)[2].partition("\n\n")[0] + "\n"


def main() -> None:
    """Renew it."""
    text = README.read_text()
    README.write_text(text.replace(listed(text), option_table()))


if __name__ == "__main__":
    main()
