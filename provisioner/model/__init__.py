"""Values that the other rooms exchange: frozen, standard library only, no I/O."""
