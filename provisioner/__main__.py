"""Entry point of `provision` and of `python -m provisioner`."""

from __future__ import annotations


def main() -> None:
    from provisioner.cli.main import run

    run()


if __name__ == "__main__":
    main()
