"""Training: a recipe and a corpus in, a checkpoint's folder out; killed at any moment, it goes on to the same curve.

Every draw of a step comes from generators seeded by the recipe's seed and the step's number, so nothing but weights,
optimizer and the running mean needs to be kept to go on exactly. Several processes share the work of a batch, not its
meaning: the same recipe gives the same curve on one and on eight GPUs, up to rounding.

===============  ===========================================================
``loop``         epochs, looks at the held-out part, what is written when
``run``          network, running mean, objectives, optimizer: one step
``batches``      which recordings a step sees
``processes``    one or many processes: who computes what, and how it is put together
``shared_norm``  batch normalisation over the batches of all processes
``precision``    number formats, loss scaling
``probe``        how well a linear probe reads findings from the embedding
``patience``     early stop, with the best weights kept
``state``        what is kept to go on after a kill
===============  ===========================================================
"""

from precordia.encoders.training.loop import Progress, Tick, train

__all__ = ["Progress", "Tick", "train"]
