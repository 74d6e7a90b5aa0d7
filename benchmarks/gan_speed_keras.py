"""The `dcgan` training step in Keras, as the project's origins have it. Driven by `gan_speed.py`, in an interpreter
with TensorFlow.

    python gan_speed_keras.py BATCH SIZE THREADS

reads a number of steps per line from stdin, and answers each with JSON: the seconds they took, and the versions.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import tensorflow as tf
from tensorflow import keras


def generator(size: int) -> keras.Model:
    layers = keras.layers
    base = size // 16
    stack = [
        keras.Input((100,)),
        layers.Dense(base * base * 512, use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Reshape((base, base, 512)),
    ]
    for width in (256, 128, 64):
        stack += [
            layers.Conv2DTranspose(width, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
        ]
    stack.append(layers.Conv2DTranspose(3, 4, strides=2, padding="same", use_bias=False, activation="tanh"))
    return keras.Sequential(stack)


def discriminator(size: int) -> keras.Model:
    layers = keras.layers
    stack = [keras.Input((size, size, 3))]
    for width in (64, 128, 256):
        stack += [layers.Conv2D(width, 4, strides=2, padding="same"), layers.LeakyReLU()]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(1)])


def main() -> None:
    batch, size, threads = (int(a) for a in sys.argv[1:4])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    g, d = generator(size), discriminator(size)
    g_step, d_step = keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5)
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    images = np.random.default_rng(0).integers(0, 255, (1024, size, size, 3)).astype(np.float32) / 127.5 - 1

    @tf.function
    def step(real: tf.Tensor) -> None:
        noise = tf.random.normal((batch, 100))
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake = g(noise, training=True)
            on_real, on_fake = d(real, training=True), d(fake, training=True)
            g_loss = cross_entropy(tf.ones_like(on_fake), on_fake)
            d_loss = cross_entropy(tf.ones_like(on_real), on_real) + cross_entropy(tf.zeros_like(on_fake), on_fake)
        g_step.apply_gradients(zip(g_tape.gradient(g_loss, g.trainable_variables), g.trainable_variables, strict=True))
        d_step.apply_gradients(zip(d_tape.gradient(d_loss, d.trainable_variables), d.trainable_variables, strict=True))

    rng = np.random.default_rng(1)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step(tf.constant(images[rng.integers(0, len(images), batch)]))
        answer = {
            "seconds": time.perf_counter() - start,
            "versions": f"tensorflow {tf.__version__}, keras {keras.__version__}",
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
