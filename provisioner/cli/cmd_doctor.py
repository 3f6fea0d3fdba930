"""`provision doctor`: whether everything that an apply needs is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import TOOLS, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "doctor",
    cls=Command,
    purpose=TOOLS,
    short_help="Check engine, permissions, registry, credentials and secrets.",
    examples=(
        ("provision doctor", "the engine, and the playbook where there is one"),
        ("provision doctor telecom/prod", "everything that an apply of it needs"),
    ),
    see="Exit 0 when all is well or only worth a warning, 1 when an apply would fail, 69 when no engine answers.",
)
@target_argument
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, as_json: bool) -> int:
    """Look at everything that an apply needs, one thing after the other, and say how to mend what is wrong.

    Nothing is changed, and no value of a secret is shown.
    """
    request = settings.optional_request(target, search=True)
    from provisioner.app.doctor import examine

    diagnosis = examine(request)
    out = settings.out()
    if as_json:
        from provisioner.render.doctor_json import doctor_json

        out.write_json(doctor_json(diagnosis))
    else:
        from provisioner.render.doctor_text import doctor_text

        out.write_folded(doctor_text(diagnosis, paint=out.paint))
    return diagnosis.exit_code
