"""Archives of an environment's data: their form, where they are kept, how they are made and read.

Knows ports and values; nothing of playbooks or of how services are rolled out. See provisioner/app/backup.py for the
order of things.
"""
