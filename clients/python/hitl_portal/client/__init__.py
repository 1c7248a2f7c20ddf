"""The portal's API, called once and written once for both kinds of programs: those that block and those that await."""
