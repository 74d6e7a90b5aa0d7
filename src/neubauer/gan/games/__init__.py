"""One short file per kind of game; see `neubauer.gan.game` for what a game is."""
