"""services.*.networks and the top-level networks."""

from __future__ import annotations

from provisioner.document.attributes.external import EXTERNAL, canonical_external
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    EXPLICIT_FLAG,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    STRUCT,
    TEXT,
    WHOLE,
    labels,
    named,
    names_to_mapping,
    null_is_empty,
    null_is_text,
    text_key,
)
from provisioner.document.shape import MAPPING, NULL, SEQUENCE, Merge, Row, Shape

_ATTACHMENT = Shape((MAPPING, NULL), "a mapping, or nothing", keep=True)

ROWS = (
    Row(
        "services.*.networks",
        named("a list of networks, or a mapping"),
        "Networks it is on.",
        names_to_mapping,
        (SEQUENCE,),
    ),
    Row("services.*.networks.*", _ATTACHMENT),
    Row("services.*.networks.*.aliases", LIST, "More names for it on this network.", unique=text_key),
    Row("services.*.networks.*.aliases.*", TEXT),
    Row("services.*.networks.*.interface_name", TEXT),
    Row("services.*.networks.*.ipv4_address", TEXT),
    Row("services.*.networks.*.ipv6_address", TEXT),
    Row("services.*.networks.*.link_local_ips", LIST, unique=text_key),
    Row("services.*.networks.*.link_local_ips.*", TEXT),
    Row("services.*.networks.*.mac_address", TEXT),
    Row("services.*.networks.*.driver_opts", FREE),
    Row("services.*.networks.*.driver_opts.*", AS_TEXT),
    Row("services.*.networks.*.priority", WHOLE),
    Row("services.*.networks.*.gw_priority", WHOLE),
    Row("networks", named("a mapping of networks"), "Networks."),
    Row("networks.*", KEPT_STRUCT, expand=null_is_empty, short=(NULL,), finish=canonical_external),
    Row("networks.*.name", TEXT, "Its name on the engine."),
    Row("networks.*.driver", TEXT),
    Row("networks.*.driver_opts", FREE),
    Row("networks.*.driver_opts.*", AS_TEXT),
    Row("networks.*.ipam", STRUCT, "How addresses are given out."),
    Row("networks.*.ipam.driver", TEXT),
    Row("networks.*.ipam.config", LIST, merge=Merge.BY_SUBNET),
    Row("networks.*.ipam.config.*", STRUCT),
    Row("networks.*.ipam.config.*.subnet", TEXT),
    Row("networks.*.ipam.config.*.ip_range", TEXT),
    Row("networks.*.ipam.config.*.gateway", TEXT),
    Row("networks.*.ipam.config.*.aux_addresses", FREE),
    Row("networks.*.ipam.config.*.aux_addresses.*", TEXT),
    Row("networks.*.ipam.options", FREE),
    Row("networks.*.ipam.options.*", TEXT),
    Row("networks.*.external", EXTERNAL, "It exists already and is not managed."),
    Row("networks.*.external.name", TEXT),
    Row("networks.*.internal", FLAG, "No way out of it."),
    Row("networks.*.enable_ipv4", EXPLICIT_FLAG),
    Row("networks.*.enable_ipv6", EXPLICIT_FLAG),
    Row("networks.*.attachable", FLAG, "Plain containers may join it."),
    Row("networks.*.labels", FREE, expand=labels, short=(SEQUENCE,)),
    Row("networks.*.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
)
