"""The adversarial engine: losses, regularisers, augmentation, the trainer with its monitor, and one file per kind of
game."""
