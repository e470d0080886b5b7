"""Post-processing of the PyTorch detectors: non-maximum suppression and padding to equal length."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def remaining(
    scores: Tensor, boxes: Tensor, suppresses: Callable[[Tensor], Tensor], *, above: float, most: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return places (K, int64) and classes (K, int64) of the boxes that remain, class by class, best first within one.

    ``scores`` (A x C) are of all boxes (A x 4); class 0 is the background. Of a class, the ``most`` best boxes above
    ``above`` take part; ``suppresses`` maps n of them to n x n (bool): which box (row) suppresses which (column).
    """
    places, classes = [torch.empty(0, dtype=torch.int64)], [torch.empty(0, dtype=torch.int64)]
    for number in torch.nonzero((scores[:, 1:] > above).any(0)).flatten().tolist():
        of_class = scores[:, number + 1]
        found = torch.nonzero(of_class > above).flatten()
        found = found[torch.argsort(of_class[found], descending=True, stable=True)][:most]
        kept = found[_survivors(suppresses(boxes[found]))]
        places.append(kept)
        classes.append(torch.full_like(kept, number + 1))
    return torch.cat(places), torch.cat(classes)


def padded(boxes: Sequence[Tensor], labels: Sequence[Tensor], scores: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the detections of N images as N x D x 4, N x D (int64) and N x D; rows past an image's last are 0, D is the longest."""
    return tuple(torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True) for items in (boxes, labels, scores))


def _survivors(suppresses: Tensor) -> Tensor:
    """Return the positions of boxes that no earlier survivor suppresses."""
    rows = suppresses.numpy()
    gone = rows[0] & False
    kept = []
    for place in range(len(rows)):
        if not gone[place]:
            kept.append(place)
            gone |= rows[place]
    return torch.tensor(kept, dtype=torch.int64)
