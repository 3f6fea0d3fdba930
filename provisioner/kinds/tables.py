"""The table of fields of each kind of object, by the name of the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import container, image, network, service, swarm_file, volume
from provisioner.model.state import CARRIED_KIND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.fields import Field

FIELDS_OF: Mapping[str, tuple[Field, ...]] = {
    "container": container.FIELDS,
    "network": network.FIELDS,
    "volume": volume.FIELDS,
    "image": image.FIELDS,
    "service": service.FIELDS,
    "config": swarm_file.FIELDS,
    "secret": swarm_file.FIELDS,
    # What containers carry has a version, and no object that could have more.
    CARRIED_KIND: swarm_file.FIELDS[:1],
}
