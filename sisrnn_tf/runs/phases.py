"""The calls of `fit` that make up a run."""

from collections.abc import Iterator


def phases(first_step: int, total_steps: int, steps_per_epoch: int) -> Iterator[tuple[int, int, int]]:
    """Cuts what is left of a run into calls of `fit`, whose epochs must all be of one length.

    Yields:
        first epoch, epoch to end before, steps in each epoch. The rest of a begun epoch and a last one that is cut
        short are phases of their own.
    """
    step = first_step
    while step < total_steps:
        epoch, done = divmod(step, steps_per_epoch)
        whole_epochs = 0 if done else (total_steps - step) // steps_per_epoch
        if whole_epochs:
            end, steps = epoch + whole_epochs, steps_per_epoch
        else:
            end, steps = epoch + 1, min(steps_per_epoch - done, total_steps - step)
        yield epoch, end, steps
        step += (end - epoch) * steps
