"""Forms: a template names the fields of a blank form, and filled-in forms are read field by field."""
